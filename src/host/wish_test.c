/* What a BEGIN says reaches the engine, word for word, and its audio as it was recorded; in a forked child, whose engine says what it
 * was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "host/instance_fake.h"
#include "host/wish.h"

enum { SAYS_BYTES = 4096 };

/* An engine that hears what it was told at the beginning, and the first sound. */
struct engine {
	char says[SAYS_BYTES];
	int first[2];
	size_t heard;
};

static int load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	(void)params;
	(void)params_n;
	(void)err;
	*out = xcalloc(1, sizeof **out);
	return 0;
}

static int begin(struct engine *e, const struct engine_begin *b, struct error *err)
{
	(void)err;
	e->heard = 0;
	(void)snprintf(e->says, sizeof e->says, "%s|%s|%s|%d|%u", b->language, b->prompt,
	    b->hot_words, b->translate, b->rate_hz);
	return 0;
}

static int audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < n && e->heard < ARRAY_SIZE(e->first); i++)
		e->first[e->heard++] = samples[i];
	return 0;
}

static int end(struct engine *e, struct engine_result *out, struct error *err)
{
	static char text[SAYS_BYTES + 64];

	(void)err;
	(void)snprintf(text, sizeof text, "%s|%d %d", e->says, e->first[0], e->first[1]);
	*out = (struct engine_result){ .text = text, .language = "fr" };
	return 0;
}

static const struct ipc_traits hears_wide = { .takes = IPC_TAKES_FOLDED },
			       hears_all = { .takes = 0 };
static const struct engine_ops wide = { .name = "wide",
	.traits = &hears_wide,
	.load = load,
	.begin = begin,
	.audio = audio,
	.partial = end,
	.end = end };
static const struct engine_ops all = { .name = "all",
	.traits = &hears_all,
	.load = load,
	.begin = begin,
	.audio = audio,
	.partial = end,
	.end = end };

#define TEXT(s)                                                                                    \
	{                                                                                          \
		(s), sizeof(s) - 1                                                                 \
	}

static struct row {
	const char *name;
	const struct engine_ops *ops;
	struct ipc_begin begin;
	const char *says;
} rows[] = {
	{ "who wishes nothing gets empty words", &all, { .utterance = 1 }, "|||0|0|1000 1000" },
	{ "each wish arrives", &all,
	    { .utterance = 1,
		.language = TEXT("de"),
		.prompt = TEXT("Dr. M\xc3\xbcller,"),
		.hot_words = TEXT("MRT, CT"),
		.translate = 1,
		.rate_hz = 8000 },
	    "de|Dr. M\xc3\xbcller,|MRT, CT|1|8000|1000 1000" },
	{ "narrow band is folded for who knows wide band only", &wide,
	    { .utterance = 1, .rate_hz = 8000 }, "|||0|8000|1300 700" },
	{ "wide band is not", &wide, { .utterance = 1, .rate_hz = 16000 }, "|||0|16000|1000 1000" },
	{ "what nobody knows is not", &wide, { .utterance = 1 }, "|||0|0|1000 1000" },
};

static void say_sound(const struct instance_fake *s)
{
	static const uint8_t sound[] = { 0xe8, 3, 0xe8, 3 };

	instance_fake_say(
	    s, &(struct ipc_message){ .type = IPC_AUDIO, .epoch = 3, .audio = { sound, 2 } });
}

static void test_what_arrives(void **state)
{
	const struct row *r = *state;
	const struct instance_config like = { .ops = r->ops };
	struct instance_fake s;
	struct ipc_message m;

	instance_fake_start(&s, &like, NULL);
	(void)instance_fake_expect(&s, IPC_READY, 0, NULL);
	instance_fake_say(
	    &s, &(struct ipc_message){ .type = IPC_BEGIN, .epoch = 3, .begin = r->begin });
	say_sound(&s);
	instance_fake_say_type(&s, IPC_END, 3);
	m = instance_fake_expect(&s, IPC_FINAL, 3, NULL);
	assert_int_equal(m.result.text.length, strlen(r->says));
	assert_memory_equal(m.result.text.bytes, r->says, m.result.text.length);
	assert_int_equal(m.result.language.length, 2);
	assert_memory_equal(m.result.language.bytes, "fr", 2);
	assert_int_equal(instance_fake_end(&s), 0);
}

/* With the next utterance what was wished of the last one is over, and so is its place in the fold. */
static void test_each_utterance_begins_anew(void **state)
{
	const struct instance_config like = { .ops = &wide };
	const uint8_t sound[] = { 0xe8, 3 };
	struct instance_fake s;
	struct ipc_message m;

	(void)state;
	instance_fake_start(&s, &like, NULL);
	(void)instance_fake_expect(&s, IPC_READY, 0, NULL);
	instance_fake_say(&s,
	    &(struct ipc_message){ .type = IPC_BEGIN,
		.epoch = 2,
		.begin = { .prompt = TEXT("before"), .rate_hz = 8000 } });
	instance_fake_say(
	    &s, &(struct ipc_message){ .type = IPC_AUDIO, .epoch = 2, .audio = { sound, 1 } });
	instance_fake_say_type(&s, IPC_END, 2);
	(void)instance_fake_expect(&s, IPC_FINAL, 2, NULL);
	instance_fake_say(&s,
	    &(struct ipc_message){ .type = IPC_BEGIN, .epoch = 3, .begin = { .rate_hz = 8000 } });
	say_sound(&s);
	instance_fake_say_type(&s, IPC_END, 3);
	m = instance_fake_expect(&s, IPC_FINAL, 3, NULL);
	assert_memory_equal(m.result.text.bytes, "|||0|8000|1300 700", m.result.text.length);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_the_longest_words_fit(void **state)
{
	static char longest[IPC_PROMPT_MAX];
	struct ipc_begin from = { .language = TEXT("fifteen-letters"),
		.prompt = { longest, sizeof longest },
		.hot_words = { longest, sizeof longest } };
	struct wish_texts texts;
	struct engine_begin b;

	(void)state;
	memset(longest, 'x', sizeof longest);
	wish_fill(&b, &from, &texts);
	assert_string_equal(b.language, "fifteen-letters");
	assert_int_equal(strlen(b.prompt), IPC_PROMPT_MAX);
	assert_int_equal(strlen(b.hot_words), IPC_PROMPT_MAX);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		cmocka_unit_test(test_each_utterance_begins_anew),
		cmocka_unit_test(test_the_longest_words_fit),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[2 + i] =
		    (struct CMUnitTest){ rows[i].name, test_what_arrives, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("wish", tests, NULL, NULL);
}
