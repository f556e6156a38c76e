/* PocketSphinx decodes as the audio comes, in two passes: a first search frame by frame, and at the end a
 * second over the words the first one saw, then the best path through their lattice.
 *
 * What makes `end` a function of model, adaptation and samples:
 * - the cepstral mean, which the library carries from one utterance to the next, is set at each begin: to
 *   what the adaptation says, or to what the model began with;
 * - the noise estimate and the count of frames are restarted at each begin;
 * - where phrases are all that may be said, a search for them is made at its begin, and given back at the next;
 * - the library gets its samples in blocks of its own, because it normalises by block.
 * What remains is the order of codewords of equal score and the like, which no call of the library resets:
 * the scores of a decoder that has worked differ from those of a new one in their last digits, the
 * text hardly ever. A newborn for each utterance is free of that.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/blocks.h"
#include "engine/engine.h"
#include "engine/pocketsphinx_compat.h"
#include "engine/pocketsphinx_phrases.h"
#include "engine/pocketsphinx_settings.h"

enum {
	SHORTEST_SAMPLES =
	    1600, /* no word is in less, and of two frames 5.1 makes no lattice but an abort */
	TEXT_MAX_BYTES = 32 * 1024,
};

struct engine {
	ps_decoder_t *ps; /* owned */
	char *model;      /* owned */
	char *search;     /* owned; the model's own; NULL: it has none */
	long frames_per_s;
	uint8_t initial[POCKETSPHINX_ADAPTATION_MAX]; /* the adaptation to nobody */
	size_t initial_bytes;

	/* of the utterance */
	bool started;         /* in the library: ps_start_utt without ps_end_utt */
	bool by_grammar;      /* the search is that of what may be said, */
	bool nothing_is_said; /* ... or would be, if any of it could */
	engine_progress_f *on_progress;
	void *arg;
	uint64_t samples; /* given to the library */
	struct blocks blocks;

	/* of the result */
	char text[TEXT_MAX_BYTES];
	char spelled[TEXT_MAX_BYTES]; /* the words, each terminated */
	struct engine_word words[ENGINE_WORDS_MAX];
	uint8_t adaptation[POCKETSPHINX_ADAPTATION_MAX];
};

/* The library ends the process on what it calls fatal. While a model loads, that is left by a jump, with
 * whatever it had half made; the process says why and ends soon after. */
static struct {
	bool loading;
	jmp_buf on_fatal;
	char last[200];
} trouble;

static void on_line(bool fatal, const char *line)
{
	if (strstr(line, "does not match the grammar") != NULL)
		return; /* which is no trouble: something else was said */
	(void)snprintf(trouble.last, sizeof trouble.last, "%s", line);
	if (!trouble.loading)
		(void)fprintf(stderr, "pocketsphinx: %s\n", line);
	if (fatal && trouble.loading)
		longjmp(trouble.on_fatal, 1);
}

static int fail(struct error *err, const char *what)
{
	return error_set(err, ERROR_ENGINE, "%s: %s", what,
	    trouble.last[0] == '\0' ? "PocketSphinx does not say why" : trouble.last);
}

static ps_decoder_t *open_decoder(const struct pocketsphinx_settings *s, struct error *err)
{
	ps_decoder_t *ps;

	trouble.last[0] = '\0';
	pocketsphinx_compat_log(on_line);
	if (setjmp(trouble.on_fatal) != 0) {
		trouble.loading = false;
		(void)fail(err, "the model cannot be loaded");
		return NULL;
	}
	trouble.loading = true;
	ps = pocketsphinx_compat_open(s->list, s->n);
	trouble.loading = false;
	if (ps == NULL)
		(void)fail(err, "the model cannot be loaded");
	return ps;
}

static void pocketsphinx_unload(struct engine **engine)
{
	struct engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	if (e->started)
		(void)ps_end_utt(e->ps);
	ps_free(e->ps);
	free(e->model);
	free(e->search);
	free(e);
}

static int pocketsphinx_load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	struct pocketsphinx_settings *s = xcalloc(1, sizeof *s);
	struct engine *e = xcalloc(1, sizeof *e);

	if (pocketsphinx_settings_make(s, params, params_n, err) == 0)
		e->ps = open_decoder(s, err);
	if (e->ps == NULL) {
		free(s);
		free(e);
		return -1;
	}
	e->model = path_last_copy(pocketsphinx_settings_find(s, "hmm"));
	if (pocketsphinx_compat_searched(e->ps) != NULL)
		e->search = xstrdup(pocketsphinx_compat_searched(e->ps));
	e->frames_per_s = pocketsphinx_compat_frames_per_s(e->ps);
	e->initial_bytes = pocketsphinx_compat_adaptation(e->ps, e->initial);
	free(s);
	*out = e;
	return 0;
}

static const char *pocketsphinx_model(const struct engine *e)
{
	return e->model;
}

/* Leaves an utterance that nobody ended; the library has no cheaper way than to end it. */
static void abandon(struct engine *e)
{
	if (e->started)
		(void)ps_end_utt(e->ps);
	e->started = false;
	e->blocks.n = 0;
	e->samples = 0;
}

static int forget_phrases(struct engine *e, struct error *err)
{
	e->nothing_is_said = false;
	if (!e->by_grammar)
		return 0;
	e->by_grammar = false;
	return pocketsphinx_compat_search_own(e->ps, e->search, err);
}

static int take_phrases(struct engine *e, const char *phrases, struct error *err)
{
	char *grammar;
	int rc = 0;

	if (phrases == NULL || phrases[0] == '\0' || e->search == NULL)
		return 0;
	grammar = pocketsphinx_phrases_grammar(e->ps, phrases, err);
	if (grammar == NULL)
		return -1;
	e->nothing_is_said = grammar[0] == '\0';
	if (!e->nothing_is_said) {
		rc = pocketsphinx_compat_search(e->ps, grammar, strlen(grammar), err);
		e->by_grammar = rc == 0;
	}
	free(grammar);
	return rc;
}

static int pocketsphinx_begin(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	const uint8_t *adaptation = begin->adaptation;
	size_t n = begin->adaptation_bytes;

	abandon(e);
	e->on_progress = begin->on_progress;
	e->arg = begin->arg;
	if (forget_phrases(e, err) < 0 || take_phrases(e, begin->phrases, err) < 0 ||
	    pocketsphinx_compat_adapt(e->ps, e->initial, e->initial_bytes, err) < 0 ||
	    (n > 0 && pocketsphinx_compat_adapt(e->ps, adaptation, n, err) < 0))
		return -1;
	pocketsphinx_compat_restart(e->ps);
	if (ps_start_utt(e->ps) < 0)
		return fail(err, "the utterance cannot begin");
	e->started = true;
	return 0;
}

static int decode(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	if (n > 0 && ps_process_raw(e->ps, samples, n, 0, 0) < 0)
		return fail(err, "the audio cannot be decoded");
	e->samples += n;
	if (e->on_progress != NULL && !e->on_progress(e->arg, e->samples))
		return error_set(err, ERROR_ENGINE, "given up on request");
	return 0;
}

static int pocketsphinx_audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	return blocks_add(&e->blocks, samples, n, decode, e, err);
}

/* <s>, </s>, <sil>, [NOISE], ++UH++, and where a grammar goes on without a word */
static bool is_filler(const char *word)
{
	return strcmp(word, "(NULL)") == 0 || word[0] == '<' || word[0] == '[' ||
	    strncmp(word, "++", 2) == 0;
}

/* Bytes of a word without the number of its pronunciation: 4 of "read(2)". */
static size_t spelling_bytes(const char *word)
{
	size_t n = strlen(word), digits = n;

	if (n == 0 || word[n - 1] != ')')
		return n;
	for (digits = n - 1; digits > 0 && isdigit((unsigned char)word[digits - 1]);)
		digits--;
	return digits > 1 && digits < n - 1 && word[digits - 1] == '(' ? digits - 1 : n;
}

static float clamp(double p)
{
	return p > 1 ? 1 : p > 0 ? (float)p : 0; /* NaN is 0 */
}

struct gathering {
	bool
	    is_final; /* before the end there is no lattice, and what the library says of probability is 1 for all */
	size_t words_n, text_n, spelled_n; /* in use of the engine's fields */
	double confidence_sum;
};

static void gather_word(struct engine *e, struct gathering *g, ps_seg_t *seg)
{
	const char *word = ps_seg_word(seg);
	size_t bytes = spelling_bytes(word);
	struct engine_word *w = &e->words[g->words_n];
	uint64_t audio_ms = e->samples * 1000 / ENGINE_SAMPLE_RATE_HZ;
	int from, to;

	if (is_filler(word) || g->words_n == ENGINE_WORDS_MAX ||
	    g->text_n + bytes + 2 > sizeof e->text)
		return;
	ps_seg_frames(seg, &from, &to);
	w->start_ms =
	    (uint32_t)MIN((uint64_t)MAX(from, 0) * 1000 / (uint64_t)e->frames_per_s, audio_ms);
	w->end_ms =
	    (uint32_t)MIN((uint64_t)MAX(to + 1, 0) * 1000 / (uint64_t)e->frames_per_s, audio_ms);
	w->end_ms = MAX(w->start_ms, w->end_ms);
	w->confidence = g->is_final
	    ? clamp(logmath_exp(ps_get_logmath(e->ps), ps_seg_prob(seg, NULL, NULL, NULL)))
	    : 0;
	w->text = e->spelled + g->spelled_n;
	memcpy(e->spelled + g->spelled_n, word, bytes);
	e->spelled[g->spelled_n + bytes] = '\0';
	if (g->words_n > 0)
		e->text[g->text_n++] = ' ';
	memcpy(e->text + g->text_n, word, bytes);
	g->text_n += bytes;
	g->spelled_n += bytes + 1;
	g->confidence_sum += w->confidence;
	g->words_n++;
}

static void gather(struct engine *e, struct gathering *g, struct engine_result *out)
{
	ps_seg_t *seg = e->nothing_is_said ? NULL : ps_seg_iter(e->ps);

	for (; seg != NULL; seg = ps_seg_next(seg))
		gather_word(e, g, seg);
	e->text[g->text_n] = '\0';
	*out = (struct engine_result){ .text = e->text,
		.confidence = g->words_n == 0 ? 0 : clamp(g->confidence_sum / (double)g->words_n),
		.words = e->words,
		.words_n = g->words_n };
}

static int pocketsphinx_partial(struct engine *e, struct engine_result *out, struct error *err)
{
	struct gathering g = { 0 };

	(void)err;
	gather(e, &g, out);
	return 0;
}

static int pocketsphinx_end(struct engine *e, struct engine_result *out, struct error *err)
{
	struct gathering g = { .is_final = true };

	if (blocks_end(&e->blocks, decode, e, err) < 0)
		return -1;
	e->started = false;
	if (ps_end_utt(e->ps) < 0)
		return fail(err, "the utterance cannot end");
	*out = (struct engine_result){ .text = "" };
	if (e->samples >= SHORTEST_SAMPLES)
		gather(e, &g, out);
	out->adaptation = e->adaptation;
	out->adaptation_bytes = pocketsphinx_compat_adaptation(e->ps, e->adaptation);
	return 0;
}

static void pocketsphinx_reset(struct engine *e)
{
	struct error ignored;

	abandon(e);
	(void)forget_phrases(e, &ignored);
	pocketsphinx_compat_restart(e->ps);
	(void)pocketsphinx_compat_adapt(e->ps, e->initial, e->initial_bytes, &ignored);
}

static const struct ipc_traits traits = {
	.decoding = IPC_DECODES_AS_IT_COMES,
	.partials = IPC_PARTIALS_OWN,
	.eager = IPC_EAGER_FORKED,
	.threads = IPC_THREADS_NONE,
	.decode_threads = 1,
	.tells = IPC_TELLS_WORD_TIMES | IPC_TELLS_CONFIDENCES | IPC_TELLS_ADAPTATION,
	.takes = IPC_TAKES_FOLDED | IPC_TAKES_PHRASES,
	.isolation = IPC_BEARS_FORK | IPC_BEARS_PROCESS,
	.warms_up = 1,
	.quiet_factor = 1,
};

const struct engine_ops engine_pocketsphinx = {
	.name = "pocketsphinx",
	.traits = &traits,
	.params = pocketsphinx_settings_params,
	.params_n = POCKETSPHINX_PARAMS,
	.load = pocketsphinx_load,
	.unload = pocketsphinx_unload,
	.model = pocketsphinx_model,
	.begin = pocketsphinx_begin,
	.audio = pocketsphinx_audio,
	.partial = pocketsphinx_partial,
	.end = pocketsphinx_end,
	.reset = pocketsphinx_reset,
};
