/* The fake engine that decodes as the audio comes: words from fake_words.c, faults from fake_fault.c, and time that is
 * taken as its parameters say. */
#include "engine/fake.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/fake_settings.h"
#include "engine/fake_time.h"
#include "engine/fake_wishes.h"
#include "engine/fake_words.h"

enum { SLICE_MS = 10 };

struct engine {
	struct fake_settings settings; /* owned */
	struct ipc_traits traits;
	struct fake_words words;
	struct fake_wishes wishes;
	engine_progress_f *on_progress; /* of the utterance; borrowed, as is its argument */
	void *arg;
};

static void fake_unload(struct engine **engine)
{
	struct engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	fake_settings_done(&e->settings);
	free(e);
}

static int fake_load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof *e);

	if (fake_settings_load(&e->settings, &engine_fake, params, params_n, err) < 0) {
		fake_unload(&e);
		return -1;
	}
	fake_words_set_model(&e->words, e->settings.model);
	fake_settings_traits(&e->settings, engine_fake.traits, &e->traits);
	e->wishes.takes = e->traits.takes;
	*out = e;
	return 0;
}

static const char *fake_model(const struct engine *e)
{
	return e->settings.model;
}

static const struct ipc_traits *fake_loaded(const struct engine *e)
{
	return &e->traits;
}

static int fake_begin(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	e->on_progress = begin->on_progress;
	e->arg = begin->arg;
	fake_wishes_begin(&e->wishes, &e->settings, begin);
	if (fake_words_begin(&e->words, begin, err) < 0)
		return -1;
	return fake_fault_begin(&e->settings.faults, err);
}

static int take_time(const struct engine *e, double ms, fake_time_f *spend, struct error *err)
{
	const struct fake_time_taker taker = { e->on_progress, e->arg, e->words.samples, SLICE_MS };

	return fake_time_take(&taker, ms, spend, err);
}

static int fake_audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	double ms = (double)n * 1000 / ENGINE_SAMPLE_RATE_HZ;

	fake_words_hear(&e->words, samples, n);
	if (fake_fault_audio(&e->settings.faults, samples, n, err) < 0 ||
	    take_time(e, e->settings.slow * ms, fake_time_sleep, err) < 0)
		return -1;
	return take_time(e, e->settings.burn * ms, fake_time_burn, err);
}

static int fake_partial(struct engine *e, struct engine_result *out, struct error *err)
{
	if (fake_fault_at(&e->settings.faults, FAKE_PARTIAL, err) < 0)
		return -1;
	fake_words_partial(&e->words, out);
	fake_wishes_say(&e->wishes, out);
	return 0;
}

static int fake_end(struct engine *e, struct engine_result *out, struct error *err)
{
	if (fake_fault_at(&e->settings.faults, FAKE_END, err) < 0 ||
	    take_time(e, e->settings.end_ms, fake_time_sleep, err) < 0)
		return -1;
	fake_words_end(&e->words, out);
	fake_wishes_tell(&e->wishes, out);
	return 0;
}

static void fake_reset(struct engine *e)
{
	if (!e->settings.reset_noop)
		e->words.residue = 0;
}

static const struct ipc_traits traits = {
	.decoding = IPC_DECODES_AS_IT_COMES,
	.partials = IPC_PARTIALS_OWN,
	.eager = IPC_EAGER_FORKED,
	.threads = IPC_THREADS_NONE,
	.decode_threads = 1,
	.tells = IPC_TELLS_ALL,
	.isolation = IPC_BEARS_ALL,
	.warms_up = 1,
	.quiet_factor = 1,
};

const struct engine_ops engine_fake = {
	.name = "fake",
	.traits = &traits,
	.params = fake_settings_params + FAKE_SETTINGS_OF_WHOLE_ONLY,
	.params_n = FAKE_SETTINGS_PARAMS - FAKE_SETTINGS_OF_WHOLE_ONLY,
	.load = fake_load,
	.unload = fake_unload,
	.model = fake_model,
	.loaded = fake_loaded,
	.begin = fake_begin,
	.audio = fake_audio,
	.partial = fake_partial,
	.end = fake_end,
	.reset = fake_reset,
};
