#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_text.h"
#include "base/util.h"

static const struct session_word words[] = { { "he", 2, 0, 350, 1.0f },
	{ "said", 4, 350, 1200, 0.9f } };

static const struct session_event finals[] = {
	{ .final = { .text = "he said",
	      .text_bytes = 7,
	      .start_ms = 0,
	      .end_ms = 1200,
	      .words = words,
	      .words_n = 2 } },
	{ .final = { .text = "", .start_ms = 1300, .end_ms = 1400 } },
	{ .final = { .text = "a-->b <c> &\n\xe9",
	      .text_bytes = 13,
	      .start_ms = 3723004,
	      .end_ms = 3723000 } },
};

#define SEGMENT_REST                                                                               \
	",\"tokens\":[],\"temperature\":0.0,\"avg_logprob\":0.0,\"compression_ratio\":1.0,"        \
	"\"no_speech_prob\":0.0}"
#define USAGE "\"usage\":{\"type\":\"duration\",\"seconds\":3724}}"
#define VERBOSE                                                                                    \
	"{\"task\":\"transcribe\",\"language\":\"en\",\"duration\":3723.25,\"text\":"              \
	"\"he said a-->b <c> & ?\","
#define SEGMENTS                                                                                   \
	"\"segments\":[{\"id\":0,\"seek\":0,\"start\":0.0,\"end\":1.2,\"text\":\" he "             \
	"said\"" SEGMENT_REST                                                                      \
	",{\"id\":1,\"seek\":0,\"start\":3723.004,\"end\":3723.004,\"text\":"                      \
	"\" a-->b <c> & ?\"" SEGMENT_REST "],"
#define WORDS                                                                                      \
	"\"words\":[{\"word\":\"he\",\"start\":0.0,\"end\":0.35},"                                 \
	"{\"word\":\"said\",\"start\":0.35,\"end\":1.2}],"

static struct row {
	const char *name;
	struct openai_style style;
	const char *want;
} rows[] = {
	{ "json", { OPENAI_JSON, true, true, false, false },
	    "{\"text\":\"he said a-->b <c> & ?\",\"languages\":[{\"code\":\"en\"}]," USAGE },
	{ "text", { OPENAI_TEXT, false, true, false, false }, "he said a-->b <c> & ?\n" },
	{ "srt", { OPENAI_SRT, false, true, false, false },
	    "1\n00:00:00,000 --> 00:00:01,200\nhe said\n\n"
	    "2\n01:02:03,004 --> 01:02:03,004\na- ->b <c> & ?\n\n" },
	{ "vtt", { OPENAI_VTT, false, true, false, false },
	    "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\nhe said\n\n"
	    "01:02:03.004 --> 01:02:03.004\na- ->b &lt;c> &amp; ?\n\n" },
	{ "verbose_json: segments", { OPENAI_VERBOSE_JSON, false, true, false, false },
	    VERBOSE SEGMENTS USAGE },
	{ "verbose_json: words", { OPENAI_VERBOSE_JSON, true, false, false, false },
	    VERBOSE WORDS USAGE },
	{ "diarized_json", { OPENAI_DIARIZED_JSON, false, true, false, false },
	    "{\"task\":\"transcribe\",\"duration\":3723.25,\"text\":"
	    "\"he said a-->b <c> & ?\",\"segments\":["
	    "{\"id\":\"seg_0\",\"type\":\"transcript.text.segment\",\"start\":0.0,"
	    "\"end\":1.2,\"speaker\":\"A\",\"text\":\" he said\"},"
	    "{\"id\":\"seg_1\",\"type\":\"transcript.text.segment\",\"start\":3723.004,"
	    "\"end\":3723.004,\"speaker\":\"A\",\"text\":\" a-->b <c> & ?\"}]," USAGE },
	{ "verbose_json: both", { OPENAI_VERBOSE_JSON, true, true, false, false },
	    VERBOSE SEGMENTS WORDS USAGE },
};

static void test_format(void **state)
{
	const struct row *r = *state;
	struct openai_transcript t = { .audio_ms = 3723250 };
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(finals); i++)
		assert_int_equal(openai_transcript_add(&t, &finals[i]), 0);
	text = openai_transcript_text(&t, &r->style, "en");
	assert_non_null(text);
	assert_string_equal(text, r->want);
	free(text);
	openai_transcript_done(&t);
}

static void test_nothing_was_heard(void **state)
{
	static const char *const want[OPENAI_FORMATS] = {
		[OPENAI_JSON] = "{\"text\":\"\",\"languages\":[{\"code\":\"de\"}],\"usage\":{"
				"\"type\":\"duration\",\"seconds\":0}}",
		[OPENAI_TEXT] = "\n",
		[OPENAI_SRT] = "",
		[OPENAI_VTT] = "WEBVTT\n\n",
		[OPENAI_VERBOSE_JSON] =
		    "{\"task\":\"transcribe\",\"language\":\"de\",\"duration\":0.0,"
		    "\"text\":\"\",\"segments\":[],\"usage\":{\"type\":"
		    "\"duration\",\"seconds\":0}}",
		[OPENAI_DIARIZED_JSON] =
		    "{\"task\":\"transcribe\",\"duration\":0.0,\"text\":\"\","
		    "\"segments\":[],\"usage\":{\"type\":\"duration\",\"seconds\":0}}",
	};
	const struct openai_transcript none = { .audio_ms = 0 };

	(void)state;
	for (int f = 0; f < OPENAI_FORMATS; f++) {
		struct openai_style style = { (enum openai_format)f, false, true, false, false };
		char *text = openai_transcript_text(&none, &style, "de");

		assert_string_equal(text, want[f]);
		free(text);
	}
}

static void assert_has(
    const struct openai_transcript *t, const struct openai_style *style, const char *want)
{
	char *text = openai_transcript_text(t, style, "nl");

	assert_non_null(text);
	if (strstr(text, want) == NULL)
		fail_msg("%s has no %s", text, want);
	free(text);
}

static void test_language(void **state)
{
	const struct openai_style json = { .format = OPENAI_JSON };
	const struct openai_style verbose = { .format = OPENAI_VERBOSE_JSON };
	const struct openai_style english = { .format = OPENAI_VERBOSE_JSON, .translate = true };
	struct openai_transcript t = { .audio_ms = 0 };
	struct session_event e = { .kind = SESSION_EVENT_FINAL };

	(void)state;
	assert_int_equal(openai_transcript_add(&t, &e), 0);
	assert_has(&t, &verbose, "\"language\":\"nl\"");
	memcpy(e.final.language, "de", 3);
	assert_int_equal(openai_transcript_add(&t, &e), 0);
	memcpy(e.final.language, "fr", 3);
	assert_int_equal(openai_transcript_add(&t, &e), 0);
	assert_has(&t, &json, "\"languages\":[{\"code\":\"de\"}]");
	assert_has(&t, &verbose, "\"task\":\"transcribe\",\"language\":\"german\"");
	assert_has(&t, &english, "\"task\":\"translate\",\"language\":\"english\"");
	memcpy(t.language, "xx", 3);
	assert_has(&t, &verbose, "\"language\":\"xx\"");
	openai_transcript_done(&t);
}

static void test_names(void **state)
{
	static const char *const names[] = { "json", "text", "srt", "vtt", "verbose_json",
		"diarized_json" };
	enum openai_format f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(openai_format_parse(names[i], strlen(names[i]), &f));
		assert_int_equal(f, i);
	}
	assert_false(openai_format_parse("jso", 3, &f));
	assert_false(openai_format_parse("jsonl", 5, &f));
}

static void test_errors(void **state)
{
	char *text = openai_error_text(404, "no \"\xc3\" here", "model", "model_not_found");

	(void)state;
	assert_string_equal(text,
	    "{\"error\":{\"message\":\"no \\\"?\\\" here\",\"type\":\"invalid_request_error\","
	    "\"param\":\"model\",\"code\":\"model_not_found\"}}");
	free(text);
	text = openai_error_text(429, "busy", NULL, NULL);
	assert_string_equal(text,
	    "{\"error\":{\"message\":\"busy\",\"type\":\"rate_limit_error\",\"param\":null,"
	    "\"code\":null}}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		{ "nothing was heard", test_nothing_was_heard, NULL, NULL, NULL },
		{ "the first language that was heard is told", test_language, NULL, NULL, NULL },
		{ "formats have names", test_names, NULL, NULL, NULL },
		{ "errors", test_errors, NULL, NULL, NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(rows)];
	size_t n = ARRAY_SIZE(plain);

	memcpy(tests, plain, sizeof plain);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_format, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("openai_text", tests, NULL, NULL);
}
