#include "host/warmup.h"

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

static int decode(const struct rehearsal *r, struct error *err)
{
	const struct engine_begin begin = { .adaptation_bytes = 0 };
	struct engine_result ignored;

	if (r->ops->begin(r->engine, &begin, err) < 0 ||
	    r->ops->audio(r->engine, r->samples, r->n, err) < 0 ||
	    r->ops->partial(r->engine, &ignored, err) < 0 ||
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

int warmup_engine(const struct engine_ops *ops, struct engine *engine, const char *path,
    struct hugepages *pages, struct error *err)
{
	struct rehearsal r = { ops, engine, NULL, 0 };
	int16_t *samples;
	int failed;

	if (clip_read(path, &samples, &r.n, err) < 0)
		return error_prefix(err, "host.warmup");
	r.samples = samples;
	failed = decode(&r, err);
	r.n = MIN(r.n, REHEARSAL_SAMPLES);
	if (failed == 0)
		hugepages_learn(pages, rehearse, &r);
	free(samples);
	return failed;
}
