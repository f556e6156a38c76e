/* Vosk (Kaldi) decodes as the audio comes. What makes `end` a function of model and samples:
 * - each utterance gets a recogniser that never heard: the library's own reset leaves what it has learnt of the speaker. The host
 *   makes one ahead, after its warm-up, and newborns inherit it, since making one takes longer than a fork;
 * - the features are dithered with random numbers of the C library, which are begun anew at each begin;
 * - the library gets its samples in blocks of its own, because how the speaker is learnt depends on where they end.
 * So the same samples give the same bits, in a newborn as in a process that has heard before.
 *
 * The library ends a stretch at a pause of its own; what follows is heard by the same recogniser, and the final is all of them joined. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/blocks.h"
#include "engine/engine.h"
#include "engine/vosk_heard.h"
#include "engine/vosk_library.h"
#include "engine/vosk_phrases.h"
#include "engine/vosk_settings.h"
#include "models/tree.h"
#include "models/vosk_model.h"

enum { DITHER_SEED = 1 };

struct engine {
	struct vosk_settings settings;  /* owned */
	struct vosk_library library;    /* owned */
	struct vosk_their_model *model; /* owned */
	char *name;                     /* owned */
	struct ipc_traits traits;
	/* Owned; has heard nothing and hears anything. NULL: there is none. */
	struct vosk_their_recogniser *spare;

	/* of the utterance */
	struct vosk_their_recogniser
	    *at_work; /* owned; NULL: nothing can be heard, or nothing has begun */
	engine_progress_f *on_progress;
	void *arg;
	uint64_t samples; /* given to the library */
	struct blocks blocks;

	struct vosk_heard heard;
};

static const struct ipc_traits traits = {
	.decoding = IPC_DECODES_AS_IT_COMES,
	.partials = IPC_PARTIALS_OWN,
	.eager = IPC_EAGER_FORKED,
	.threads = IPC_THREADS_NONE,
	.decode_threads = 1,
	.tells = IPC_TELLS_WORD_TIMES | IPC_TELLS_CONFIDENCES,
	.takes = IPC_TAKES_PHRASES,
	.isolation = IPC_BEARS_FORK | IPC_BEARS_PROCESS,
	.warms_up = 1,
	.quiet_factor = 2,
};

/* ---- the model ---- */

static int check_model(struct engine *e, struct error *err)
{
	const char *path = e->settings.model;
	struct vosk_model_info info;

	if (strchr(path, '/') == NULL)
		return error_set(err, ERROR_CONFIG,
		    "model: %s is a name, and there is nobody here to find its files", path);
	if (access(path, R_OK | X_OK) < 0 && errno == EACCES)
		return error_set(err, ERROR_ENGINE,
		    "model: %s may not be read by user %u, as whom this process runs (setting "
		    "user)",
		    path, (unsigned)geteuid());
	if (access(path, F_OK) < 0)
		return error_set(err, ERROR_ENGINE, "model: %s is not there", path);
	if (vosk_model_check(path, &info, err) < 0 ||
	    (e->settings.model_sum[0] != '\0' &&
		tree_check_sum(path, e->settings.model_sum, err) < 0))
		return error_prefix(err, "model");
	e->traits = traits;
	if (!info.takes_phrases)
		e->traits.takes = 0;
	return 0;
}

static unsigned count_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

/* Of threads that were started a fork has none, and waits for them for ever. */
static int open_model(struct engine *e, struct error *err)
{
	unsigned threads = count_threads();

	e->library.set_log_level(-1);
	e->model = e->library.model_new(e->settings.model);
	if (e->model == NULL)
		return error_set(err, ERROR_ENGINE,
		    "model: Vosk cannot load %.120s; what it says of it is on standard error",
		    e->settings.model);
	if (count_threads() > threads)
		return error_set(err, ERROR_ENGINE,
		    "library: this libvosk starts threads, and would not outlive a fork; "
		    "tools/get-vosk gets one that does not");
	e->name = path_last_copy(e->settings.model);
	return 0;
}

/* ---- recognisers ---- */

static struct vosk_their_recogniser *make(struct engine *e, const char *phrases)
{
	struct vosk_their_recogniser *r = phrases == NULL
	    ? e->library.recogniser_new(e->model, ENGINE_SAMPLE_RATE_HZ)
	    : e->library.recogniser_new_phrases(e->model, ENGINE_SAMPLE_RATE_HZ, phrases);

	if (r != NULL)
		e->library.set_words(r, 1);
	return r;
}

static void discard(struct engine *e, struct vosk_their_recogniser **r)
{
	if (*r != NULL)
		e->library.recogniser_free(*r);
	*r = NULL;
}

static bool knows(void *arg, const char *word)
{
	const struct engine *e = arg;

	return e->library.find_word(e->model, word) >= 0;
}

/* What can be heard is none of it where no phrase is left. */
static int take_phrases(struct engine *e, const char *lines, struct error *err)
{
	struct vosk_phrases p;
	int rc = 0;

	vosk_phrases_make(&p, lines, knows, e);
	if (p.unknown_n > 0)
		(void)fprintf(stderr,
		    "vosk: %u of the phrases %s left out, as the model has no word \"%s\"%s\n",
		    p.unknown_n, p.unknown_n == 1 ? "is" : "are", p.unknown,
		    p.unknown_n == 1 ? "" : " and others");
	if (strcmp(p.json, "[]") != 0) {
		e->at_work = make(e, p.json);
		if (e->at_work == NULL)
			rc = error_set(err, ERROR_ENGINE, "Vosk cannot hear for these phrases");
	}
	vosk_phrases_done(&p);
	return rc;
}

static int take_any(struct engine *e, struct error *err)
{
	e->at_work = e->spare != NULL ? e->spare : make(e, NULL);
	e->spare = NULL;
	return e->at_work != NULL ? 0
				  : error_set(err, ERROR_ENGINE, "Vosk cannot make a recogniser");
}

/* ---- the engine ---- */

static void vosk_unload(struct engine **engine)
{
	struct engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	discard(e, &e->at_work);
	discard(e, &e->spare);
	if (e->model != NULL)
		e->library.model_free(e->model);
	vosk_library_close(&e->library);
	vosk_settings_done(&e->settings);
	free(e->name);
	free(e);
}

static int vosk_load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof *e);

	vosk_heard_prepare();
	if (vosk_settings_load(&e->settings, params, params_n, err) < 0 ||
	    check_model(e, err) < 0 ||
	    vosk_library_open(&e->library, e->settings.library, err) < 0 ||
	    open_model(e, err) < 0 || take_any(e, err) < 0) {
		vosk_unload(&e);
		return -1;
	}
	*out = e;
	e->spare = e->at_work;
	e->at_work = NULL;
	return 0;
}

static const char *vosk_model(const struct engine *e)
{
	return e->name;
}

static const struct ipc_traits *vosk_loaded(const struct engine *e)
{
	return &e->traits;
}

static const char *wished_phrases(const struct engine *e, const struct engine_begin *begin)
{
	const char *lines = begin->phrases;

	if ((e->traits.takes & IPC_TAKES_PHRASES) == 0)
		return "";
	return lines != NULL && lines[0] != '\0' ? lines : e->settings.phrases;
}

static int vosk_begin(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	const char *lines = wished_phrases(e, begin);
	int rc;

	discard(e, &e->at_work);
	e->on_progress = begin->on_progress;
	e->arg = begin->arg;
	e->samples = 0;
	e->blocks.n = 0;
	vosk_heard_begin(&e->heard, strpbrk(lines, "[<") != NULL);
	rc = lines[0] != '\0' ? take_phrases(e, lines, err) : take_any(e, err);
	srand(DITHER_SEED);
	return rc;
}

static int decode(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	int ended = 0;

	if (n > 0 && e->at_work != NULL)
		ended = e->library.accept(e->at_work, samples, (int)n);
	e->samples += n;
	if (ended < 0)
		return error_set(err, ERROR_ENGINE, "Vosk cannot decode the audio");
	if (ended > 0 &&
	    vosk_heard_add(&e->heard, e->library.result(e->at_work), e->samples, err) < 0)
		return -1;
	if (e->on_progress != NULL && !e->on_progress(e->arg, e->samples))
		return error_set(err, ERROR_ENGINE, "given up on request");
	return 0;
}

static int vosk_audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	return blocks_add(&e->blocks, samples, n, decode, e, err);
}

static int vosk_partial(struct engine *e, struct engine_result *out, struct error *err)
{
	if (e->samples == 0 || e->at_work == NULL) {
		vosk_heard_tell(&e->heard, out);
		return 0;
	}
	return vosk_heard_tell_partial(&e->heard, e->library.partial_result(e->at_work), out, err);
}

static int vosk_end(struct engine *e, struct engine_result *out, struct error *err)
{
	if (blocks_end(&e->blocks, decode, e, err) < 0)
		return -1;
	if (e->samples > 0 && e->at_work != NULL &&
	    vosk_heard_add(&e->heard, e->library.final_result(e->at_work), e->samples, err) < 0)
		return -1;
	vosk_heard_tell(&e->heard, out);
	return 0;
}

/* A recogniser that has heard goes, with all that it has learnt. */
static void vosk_reset(struct engine *e)
{
	discard(e, &e->at_work);
	if (e->spare == NULL)
		e->spare = make(e, NULL);
}

const struct engine_ops engine_vosk = {
	.name = "vosk",
	.traits = &traits,
	.params = vosk_settings_params,
	.params_n = VOSK_SETTINGS_PARAMS,
	.load = vosk_load,
	.unload = vosk_unload,
	.model = vosk_model,
	.loaded = vosk_loaded,
	.begin = vosk_begin,
	.audio = vosk_audio,
	.partial = vosk_partial,
	.end = vosk_end,
	.reset = vosk_reset,
};
