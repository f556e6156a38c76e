#include "host/warmup.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/clip.h"
#include "host/hugepages.h"

/* What an utterance writes to hardly depends on its length. */
enum { REHEARSAL_SAMPLES = 16000 };

struct rehearsal {
	const struct engine_ops *ops;
	struct engine *engine;
	const int16_t *samples;
	size_t n;
};

/* A partial that is decoded anew does nothing that the end does not. */
static bool has_partials_of_its_own(const struct rehearsal *r)
{
	return r->ops->traits->partials == IPC_PARTIALS_OWN;
}

static int decode(const struct rehearsal *r, struct error *err)
{
	const struct engine_begin begin = { .adaptation_bytes = 0 };
	struct engine_result ignored;

	if (r->ops->begin(r->engine, &begin, err) < 0 ||
	    r->ops->audio(r->engine, r->samples, r->n, err) < 0 ||
	    (has_partials_of_its_own(r) && r->ops->partial(r->engine, &ignored, err) < 0) ||
	    r->ops->end(r->engine, &ignored, err) < 0)
		return error_prefix(err, "warm-up");
	r->ops->reset(r->engine);
	return 0;
}

static void rehearse(void *arg)
{
	struct error ignored;

	(void)decode(arg, &ignored);
}

int warmup_read(struct warmup *w, const char *path, struct error *err)
{
	if (clip_read(path, &w->samples, &w->n, err) < 0)
		return error_prefix(err, "host.warmup");
	return 0;
}

void warmup_done(struct warmup *w)
{
	free(w->samples);
	*w = (struct warmup){ NULL, 0 };
}

int warmup_engine(const struct engine_ops *ops, struct engine *engine, const struct warmup *clip,
    struct hugepages *pages, struct error *err)
{
	struct rehearsal r = { ops, engine, clip->samples, clip->n };

	if (decode(&r, err) < 0)
		return -1;
	r.n = MIN(r.n, REHEARSAL_SAMPLES);
	hugepages_learn(pages, rehearse, &r);
	return 0;
}
