/* The fake engine that decodes an utterance whole, as many real ones do: audio is kept, and each partial and the end
 * hear all of it from the beginning, with the words and the residue that the utterance began with. */
#include "engine/fake.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/fake_settings.h"
#include "engine/fake_time.h"
#include "engine/fake_wishes.h"
#include "engine/fake_words.h"

enum { KEPT_MAX_BYTES = 600 * ENGINE_SAMPLE_RATE_HZ * 2 };

struct engine {
	struct fake_settings settings; /* owned */
	struct ipc_traits traits;
	struct fake_words words;
	struct fake_wishes wishes;
	engine_progress_f *on_progress; /* of the utterance; borrowed, as is its argument */
	void *arg;
	struct buffer kept;                        /* owned; samples as they are in memory */
	uint8_t adaptation[FAKE_ADAPTATION_BYTES]; /* it began with this, and with that residue */
	size_t adaptation_bytes;
	uint64_t residue;
};

static void whole_unload(struct engine **engine)
{
	struct engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	fake_settings_done(&e->settings);
	buffer_done(&e->kept);
	free(e);
}

static int whole_load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof *e);

	buffer_init(&e->kept, KEPT_MAX_BYTES);
	if (fake_settings_load(&e->settings, &engine_fake_whole, params, params_n, err) < 0) {
		whole_unload(&e);
		return -1;
	}
	fake_words_set_model(&e->words, e->settings.model);
	fake_settings_traits(&e->settings, engine_fake_whole.traits, &e->traits);
	e->wishes.takes = e->traits.takes;
	*out = e;
	return 0;
}

static const char *whole_model(const struct engine *e)
{
	return e->settings.model;
}

static const struct ipc_traits *whole_loaded(const struct engine *e)
{
	return &e->traits;
}

static int whole_begin(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	e->on_progress = begin->on_progress;
	e->arg = begin->arg;
	fake_wishes_begin(&e->wishes, &e->settings, begin);
	e->residue = e->words.residue;
	buffer_consume(&e->kept, e->kept.len);
	if (fake_words_begin(&e->words, begin, err) < 0)
		return -1;
	e->adaptation_bytes = begin->adaptation_bytes;
	if (begin->adaptation_bytes > 0)
		memcpy(e->adaptation, begin->adaptation, begin->adaptation_bytes);
	return fake_fault_begin(&e->settings.faults, err);
}

static int whole_audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	if (buffer_append(&e->kept, samples, n * sizeof *samples) < 0)
		return error_set(err, ERROR_LIMIT, "an utterance of more than %d s is not kept",
		    KEPT_MAX_BYTES / 2 / ENGINE_SAMPLE_RATE_HZ);
	return fake_fault_audio(&e->settings.faults, samples, n, err);
}

/* Hears what is kept up to `until`, and takes the time for it. */
static int decode_until(struct engine *e, size_t until, struct error *err)
{
	const int16_t *kept = (const int16_t *)(const void *)buffer_head(&e->kept);
	const struct fake_settings *s = &e->settings;
	size_t from = e->words.samples;
	double ms = (double)(until - from) * 1000 / ENGINE_SAMPLE_RATE_HZ;
	struct fake_time_taker taker = { e->on_progress, e->arg, 0, (unsigned)s->progress_ms };

	if (until > from)
		fake_words_hear(&e->words, kept + from, until - from);
	taker.decoded_samples = e->words.samples;
	if (fake_time_take(&taker, s->decode_ms / 2 + s->decode_factor * ms, fake_time_sleep, err) <
	    0)
		return -1;
	return fake_time_take(&taker, s->burn * ms, fake_time_burn, err);
}

static int decode(struct engine *e, struct error *err)
{
	const struct engine_begin begin = { .adaptation = e->adaptation,
		.adaptation_bytes = e->adaptation_bytes };
	size_t n = e->kept.len / sizeof(int16_t);

	e->words.residue = e->residue;
	if (fake_words_begin(&e->words, &begin, err) < 0 || decode_until(e, n / 2, err) < 0 ||
	    fake_fault_at(&e->settings.faults, FAKE_DECODE, err) < 0)
		return -1;
	return decode_until(e, n, err);
}

static int whole_partial(struct engine *e, struct engine_result *out, struct error *err)
{
	if (fake_fault_at(&e->settings.faults, FAKE_PARTIAL, err) < 0 || decode(e, err) < 0)
		return -1;
	fake_words_partial(&e->words, out);
	fake_wishes_say(&e->wishes, out);
	return 0;
}

static int whole_end(struct engine *e, struct engine_result *out, struct error *err)
{
	const struct fake_time_taker taker = { e->on_progress, e->arg, 0,
		(unsigned)e->settings.progress_ms };

	if (fake_fault_at(&e->settings.faults, FAKE_END, err) < 0 ||
	    fake_time_take(&taker, e->settings.end_ms, fake_time_sleep, err) < 0 ||
	    decode(e, err) < 0)
		return -1;
	fake_words_end(&e->words, out);
	fake_wishes_tell(&e->wishes, out);
	return 0;
}

static void whole_reset(struct engine *e)
{
	buffer_consume(&e->kept, e->kept.len);
	if (!e->settings.reset_noop)
		e->words.residue = 0;
}

static const struct ipc_traits traits = {
	.decoding = IPC_DECODES_WHOLE,
	.partials = IPC_PARTIALS_ANEW,
	.eager = IPC_EAGER_ANEW,
	.threads = IPC_THREADS_NONE,
	.decode_threads = 1,
	.tells = IPC_TELLS_ALL & ~IPC_TELLS_GROWING,
	.takes = IPC_TAKES_LANGUAGE | IPC_TAKES_PROMPT | IPC_TAKES_HOT_WORDS | IPC_TAKES_PHRASES |
	    IPC_TAKES_TRANSLATE,
	.isolation = IPC_BEARS_ALL,
	.warms_up = 1,
	.quiet_factor = 1,
};

const struct engine_ops engine_fake_whole = {
	.name = "fake_whole",
	.traits = &traits,
	.params = fake_settings_params,
	.params_n = FAKE_SETTINGS_PARAMS - FAKE_SETTINGS_OF_FAKE_ONLY,
	.load = whole_load,
	.unload = whole_unload,
	.model = whole_model,
	.loaded = whole_loaded,
	.begin = whole_begin,
	.audio = whole_audio,
	.partial = whole_partial,
	.end = whole_end,
	.eager = whole_end,
	.reset = whole_reset,
};
