/* That it hears what the other fake engine hears, whoever asks when; and what is its own: time, and faults amid a decode. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/fake.h"

enum { SAMPLES = 16000 };

static int16_t speech[SAMPLES];

static struct engine *load(
    const struct engine_ops *ops, const struct engine_param *params, size_t n)
{
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(ops->load(&e, params, n, &err), 0);
	return e;
}

struct heard {
	char text[200];
	float confidence;
	size_t words_n;
	uint8_t adaptation[64];
	size_t adaptation_bytes;
};

static void keep(struct heard *h, const struct engine_result *r)
{
	(void)snprintf(h->text, sizeof h->text, "%s", r->text);
	h->confidence = r->confidence;
	h->words_n = r->words_n;
	h->adaptation_bytes = r->adaptation_bytes;
	if (r->adaptation_bytes > 0)
		memcpy(h->adaptation, r->adaptation, r->adaptation_bytes);
}

/* Begun with what `before` ended with, in pieces of 1,000 samples with a partial after each `partial_every`-th. */
static void hear(const struct engine_ops *ops, struct engine *e, const struct heard *before,
    size_t partial_every, struct heard *out)
{
	const struct engine_begin begin = { .adaptation =
						before == NULL ? NULL : before->adaptation,
		.adaptation_bytes = before == NULL ? 0 : before->adaptation_bytes };
	struct engine_result r;
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(e, &begin, &err), 0);
	for (size_t i = 0; i < SAMPLES; i += 1000) {
		assert_int_equal(ops->audio(e, speech + i, 1000, &err), 0);
		if (partial_every > 0 && i / 1000 % partial_every == 0)
			assert_int_equal(ops->partial(e, &r, &err), 0);
	}
	assert_int_equal(ops->end(e, &r, &err), 0);
	keep(out, &r);
}

static void assert_same(const struct heard *a, const struct heard *b)
{
	assert_string_equal(a->text, b->text);
	assert_true(a->confidence == b->confidence);
	assert_int_equal(a->words_n, b->words_n);
	assert_int_equal(a->adaptation_bytes, b->adaptation_bytes);
	assert_memory_equal(a->adaptation, b->adaptation, a->adaptation_bytes);
}

static void test_it_hears_what_the_other_hears(void **state)
{
	struct engine *fake = load(&engine_fake, NULL, 0);
	struct heard first, second, whole, after;

	(void)state;
	hear(&engine_fake, fake, NULL, 0, &first);
	hear(&engine_fake, fake, &first, 0, &second); /* with a residue, too */
	assert_true(first.words_n == 5 && first.confidence != second.confidence);
	for (size_t every = 0; every < 4; every++) {
		struct engine *e = load(&engine_fake_whole, NULL, 0);

		hear(&engine_fake_whole, e, NULL, every, &whole);
		assert_same(&whole, &first);
		hear(&engine_fake_whole, e, &whole, every, &after);
		assert_same(&after, &second);
		engine_fake_whole.unload(&e);
		assert_null(e);
	}
	engine_fake.unload(&fake);
}

static void test_a_partial_has_the_words_so_far(void **state)
{
	static const struct engine_ops *const both[] = { &engine_fake, &engine_fake_whole };
	const struct engine_begin begin = { .adaptation_bytes = 0 };
	struct heard heard[2];
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct engine *e = load(both[i], NULL, 0);

		assert_int_equal(both[i]->begin(e, &begin, &err), 0);
		assert_int_equal(both[i]->audio(e, speech, 7000, &err), 0);
		assert_int_equal(both[i]->partial(e, &r, &err), 0);
		keep(&heard[i], &r);
		both[i]->unload(&e);
	}
	assert_int_equal(heard[0].words_n, 2);
	assert_same(&heard[0], &heard[1]);
}

static void test_it_has_residue_until_it_is_reset(void **state)
{
	struct engine *e = load(&engine_fake_whole, NULL, 0);
	struct heard newborn, used;

	(void)state;
	hear(&engine_fake_whole, e, NULL, 0, &newborn);
	hear(&engine_fake_whole, e, NULL, 0, &used);
	assert_true(used.confidence != newborn.confidence);
	engine_fake_whole.reset(e);
	hear(&engine_fake_whole, e, NULL, 0, &used);
	assert_true(used.confidence == newborn.confidence);
	engine_fake_whole.unload(&e);
}

static void test_a_reset_may_forget_nothing(void **state)
{
	const struct engine_param noop = { "reset_noop", "yes" };
	struct engine *e = load(&engine_fake_whole, &noop, 1);
	struct heard newborn, used;

	(void)state;
	hear(&engine_fake_whole, e, NULL, 0, &newborn);
	engine_fake_whole.reset(e);
	hear(&engine_fake_whole, e, NULL, 0, &used);
	assert_true(used.confidence != newborn.confidence);
	engine_fake_whole.unload(&e);
}

struct watch {
	unsigned calls, most; /* gives up after so many */
	uint64_t decoded;     /* what it was told last; never less than before */
};

static bool watched(void *arg, uint64_t decoded)
{
	struct watch *w = arg;

	assert_true(decoded >= w->decoded);
	w->decoded = decoded;
	return ++w->calls <= w->most;
}

/* A decode of 20 ms tells of itself every 2. */
static const struct engine_param timed[] = { { "decode_ms", "20" }, { "progress_ms", "2" } };

static void test_a_decode_tells_of_itself(void **state)
{
	struct engine *e = load(&engine_fake_whole, timed, 2);
	struct watch w = { .most = 1000 };
	const struct engine_begin begin = { .on_progress = watched, .arg = &w };
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(engine_fake_whole.begin(e, &begin, &err), 0);
	assert_int_equal(engine_fake_whole.audio(e, speech, SAMPLES, &err), 0);
	assert_int_equal(w.calls, 0);
	assert_int_equal(engine_fake_whole.end(e, &r, &err), 0);
	assert_int_equal(w.calls, 10);
	assert_int_equal(w.decoded, SAMPLES);
	engine_fake_whole.unload(&e);
}

static void test_a_partial_that_is_given_up_leaves_the_utterance_as_it_was(void **state)
{
	struct engine *e = load(&engine_fake_whole, timed, 2);
	struct watch w = { .most = 7 };
	const struct engine_begin begin = { .on_progress = watched, .arg = &w };
	struct heard want, got;
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	hear(&engine_fake_whole, e, NULL, 0, &want);
	engine_fake_whole.reset(e);
	assert_int_equal(engine_fake_whole.begin(e, &begin, &err), 0);
	assert_int_equal(engine_fake_whole.audio(e, speech, 9000, &err), 0);
	assert_int_equal(engine_fake_whole.partial(e, &r, &err), -1);
	assert_string_equal(err.text, "given up on request");
	w = (struct watch){ .most = 1000 };
	assert_int_equal(engine_fake_whole.audio(e, speech + 9000, SAMPLES - 9000, &err), 0);
	assert_int_equal(engine_fake_whole.end(e, &r, &err), 0);
	keep(&got, &r);
	assert_same(&got, &want);
	engine_fake_whole.unload(&e);
}

static struct failing {
	const char *name, *at;
	int begins, hears, gives_partial, ends;
} failings[] = {
	{ "it fails at the begin", "begin", -1, 0, 0, 0 },
	{ "it fails at audio", "audio", 0, -1, 0, 0 },
	{ "it fails at a partial, and not at the end", "partial", 0, 0, -1, 0 },
	{ "it fails at the end only", "end", 0, 0, 0, -1 },
	{ "it fails amid any decode", "decode", 0, 0, -1, -1 },
};

static void test_failing(void **state)
{
	const struct failing *f = *state;
	const struct engine_param fail = { "fail", f->at };
	struct engine *e = load(&engine_fake_whole, &fail, 1);
	const struct engine_begin begin = { .adaptation_bytes = 0 };
	struct engine_result r;
	struct error err = ERROR_INIT;

	assert_int_equal(engine_fake_whole.begin(e, &begin, &err), f->begins);
	if (f->begins == 0)
		assert_int_equal(engine_fake_whole.audio(e, speech, SAMPLES, &err), f->hears);
	assert_int_equal(engine_fake_whole.partial(e, &r, &err), f->gives_partial);
	assert_int_equal(engine_fake_whole.end(e, &r, &err), f->ends);
	engine_fake_whole.unload(&e);
}

static void test_a_fault_in_the_audio_waits_for_the_decode(void **state)
{
	struct engine *e = load(&engine_fake_whole, NULL, 0);
	const struct engine_begin begin = { .adaptation_bytes = 0 };
	int16_t marked[FAKE_MARKER_SAMPLES + 3];
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	memcpy(marked, fake_marker, sizeof fake_marker);
	marked[FAKE_MARKER_SAMPLES] = FAKE_FAIL * FAKE_STEP;
	marked[FAKE_MARKER_SAMPLES + 1] = FAKE_DECODE * FAKE_STEP;
	marked[FAKE_MARKER_SAMPLES + 2] = 0;
	assert_int_equal(engine_fake_whole.begin(e, &begin, &err), 0);
	assert_int_equal(engine_fake_whole.audio(e, marked, ARRAY_SIZE(marked), &err), 0);
	assert_int_equal(engine_fake_whole.end(e, &r, &err), -1);
	engine_fake_whole.unload(&e);
}

static struct refusal {
	const char *name;
	const struct engine_ops *ops;
	const char *key, *value, *says;
} refusals[] = {
	{ "it has no parameter of the other", &engine_fake_whole, "slow", "1",
	    "the fake_whole engine has no parameter 'slow'" },
	{ "the other has none of its own", &engine_fake, "decode_ms", "1",
	    "the fake engine has no parameter 'decode_ms'" },
	{ "the other has no place amid a decode", &engine_fake, "crash", "decode",
	    "crash: 'decode' is not begin, audio, partial or end" },
	{ "a place is one of its own", &engine_fake_whole, "crash", "somewhere",
	    "crash: 'somewhere' is not begin, audio, partial, end or decode" },
	{ "a time has a range", &engine_fake_whole, "progress_ms", "0",
	    "progress_ms: '0' is no number from 1 to 600000" },
	{ "a leak is a whole number", &engine_fake_whole, "leak", "1.5",
	    "leak: '1.5' is no number from 0 to 1000000" },
};

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	const struct engine_param param = { r->key, r->value };
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(r->ops->load(&e, &param, 1, &err), -1);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_string_equal(err.text, r->says);
	assert_null(e);
}

static void heard_with(const struct engine_ops *ops, const struct engine_param *params, size_t n,
    const struct engine_begin *begin, char text[200], char language[16])
{
	struct engine *e = load(ops, params, n);
	struct engine_result r;
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(e, begin, &err), 0);
	assert_int_equal(ops->partial(e, &r, &err), 0);
	(void)snprintf(language, 16, "%s", r.language);
	assert_string_equal(r.text, "");
	assert_int_equal(ops->end(e, &r, &err), 0);
	assert_string_equal(r.language, language);
	(void)snprintf(text, 200, "%s", r.text);
	ops->unload(&e);
}

static const struct engine_begin wishes = { .language = "de",
	.prompt = "Dr. Ott",
	.hot_words = "MRT, CT",
	.translate = true,
	.rate_hz = 8000 };

static void test_wishes_are_shown_to_who_asks(void **state)
{
	const struct engine_param tell = { "tell_wishes", "yes" };
	char text[200], language[16];

	(void)state;
	heard_with(&engine_fake_whole, &tell, 1, &wishes, text, language);
	assert_string_equal(
	    text, "language=de prompt=Dr._Ott hot_words=MRT,_CT translate=yes rate_hz=8000");
	assert_string_equal(language, "de");
	heard_with(&engine_fake_whole, NULL, 0, &wishes, text, language);
	assert_string_equal(text, "");
}

static void test_the_one_that_streams_takes_none(void **state)
{
	const struct engine_param params[] = { { "tell_wishes", "yes" }, { "language", "nl" } };
	char text[200], language[16];

	(void)state;
	heard_with(&engine_fake, params, 1, &wishes, text, language);
	assert_string_equal(text, "rate_hz=8000");
	assert_string_equal(language, "");
	heard_with(&engine_fake, params, 2, &wishes, text, language);
	assert_string_equal(language, "nl");
}

static void test_a_language_that_is_to_be_found_out(void **state)
{
	const struct engine_param nl = { "language", "nl" };
	const struct engine_begin automatic = { .language = "auto" };
	char text[200], language[16];

	(void)state;
	heard_with(&engine_fake_whole, NULL, 0, &automatic, text, language);
	assert_string_equal(language, "");
	heard_with(&engine_fake_whole, &nl, 1, &automatic, text, language);
	assert_string_equal(language, "nl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes_are_shown_to_who_asks),
		cmocka_unit_test(test_the_one_that_streams_takes_none),
		cmocka_unit_test(test_a_language_that_is_to_be_found_out),
		cmocka_unit_test(test_it_hears_what_the_other_hears),
		cmocka_unit_test(test_a_partial_has_the_words_so_far),
		cmocka_unit_test(test_it_has_residue_until_it_is_reset),
		cmocka_unit_test(test_a_reset_may_forget_nothing),
		cmocka_unit_test(test_a_decode_tells_of_itself),
		cmocka_unit_test(test_a_partial_that_is_given_up_leaves_the_utterance_as_it_was),
		cmocka_unit_test(test_a_fault_in_the_audio_waits_for_the_decode),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(failings) + ARRAY_SIZE(refusals)];
	size_t n = ARRAY_SIZE(tests);

	for (int i = 0; i < SAMPLES; i++) /* four words, a silence, and half a block */
		speech[i] = (int16_t)(i < 12800 || i > 14400 ? (i * 7919) % 4001 - 2000 : 0);
	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(failings); i++)
		all[n++] =
		    (struct CMUnitTest){ failings[i].name, test_failing, NULL, NULL, &failings[i] };
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		all[n++] =
		    (struct CMUnitTest){ refusals[i].name, test_refusal, NULL, NULL, &refusals[i] };
	return cmocka_run_group_tests_name("fake_whole", all, NULL, NULL);
}
