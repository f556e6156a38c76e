#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/deepgram_answer.h"
#include "access/deepgram_query.h"
#include "audio/wav.h"
#include "base/error.h"
#include "base/util.h"
#include "session/session.h"

static struct session_event final_of(const char *text, const struct session_word *words, size_t n)
{
	return (struct session_event){ .kind = SESSION_EVENT_FINAL,
		.final = { .text = text,
		    .text_bytes = strlen(text),
		    .start_ms = 100,
		    .end_ms = 2000,
		    .confidence = 0.75f,
		    .words = words,
		    .words_n = n } };
}

static void check(const struct deepgram_answer *t, const struct deepgram_query *q,
    const char *language, const char *want)
{
	char *text = deepgram_answer_text(t, 1, q, language, json_object());

	assert_string_equal(text, want);
	free(text);
}

static void the_language_that_was_heard_is_detected(void **state)
{
	const struct deepgram_query q = { .detect_language = true };
	struct session_event e = final_of("ja", NULL, 0);
	struct deepgram_about about;
	struct deepgram_answer t;
	char *text;

	(void)state;
	deepgram_about_init(&about, "en", 1);
	deepgram_answer_init(&t);
	text = deepgram_answer_text(&t, 1, &q, "en", json_object());
	assert_non_null(strstr(text, "\"detected_language\":\"en\"}"));
	free(text);
	memcpy(e.final.language, "de", 3);
	assert_int_equal(deepgram_answer_add(&t, &about, &e), 0);
	text = deepgram_answer_text(&t, 1, &q, "en", json_object());
	assert_non_null(strstr(text, "\"detected_language\":\"de\",\"language_confidence\":1.0}"));
	free(text);
	deepgram_answer_done(&t);
}

static void finals_make_one_transcript(void **state)
{
	const struct session_word words[] = { { "go", 2, 300, 500, 1.0f },
		{ "on", 2, 600, 900, 0.5f } };
	struct session_event e = final_of("go on", words, 2), none = final_of("", NULL, 0),
			     again = final_of("ten", NULL, 0);
	struct deepgram_query q = { .utterances = true, .utt_split_ms = 800 };
	struct deepgram_about about;
	struct deepgram_answer t;
	json_t *body, *results;
	char *text;

	(void)state;
	deepgram_about_init(&about, "en", 1);
	deepgram_answer_init(&t);
	assert_int_equal(deepgram_answer_add(&t, &about, &e), 0);
	assert_int_equal(deepgram_answer_add(&t, &about, &none), 0);
	assert_int_equal(deepgram_answer_add(&t, &about, &again), 0);
	text = deepgram_answer_text(&t, 1, &q, "en", json_object());
	body = json_loads(text, 0, NULL);
	results = json_object_get(body, "results");
	assert_int_equal(json_array_size(json_object_get(results, "utterances")), 1);
	q.utterances = false;
	check(&t, &q, NULL,
	    "{\"metadata\":{},\"results\":{\"channels\":[{\"alternatives\":[{"
	    "\"transcript\":\"go on ten\",\"confidence\":0.75,\"words\":["
	    "{\"word\":\"go\",\"start\":0.3,\"end\":0.5,\"confidence\":1.0},"
	    "{\"word\":\"on\",\"start\":0.6,\"end\":0.9,\"confidence\":0.5}]}]}]}}");
	json_decref(body);
	free(text);
	deepgram_answer_done(&t);
}

static void nothing_heard_is_an_empty_transcript(void **state)
{
	struct deepgram_query q = { .utterances = true, .utt_split_ms = 800 };
	struct deepgram_answer t;

	(void)state;
	deepgram_answer_init(&t);
	check(&t, &q, "de",
	    "{\"metadata\":{},\"results\":{\"channels\":[{\"alternatives\":[{"
	    "\"transcript\":\"\",\"confidence\":0.0,\"words\":[]}],"
	    "\"detected_language\":\"de\"}],\"utterances\":[]}}");
	deepgram_answer_done(&t);
}

static void raw_audio_becomes_a_file_of_the_same_samples(void **state)
{
	(void)state;
	for (int e = 0; e < ENCODINGS; e++)
		for (unsigned channels = 1; channels <= 2; channels++) {
			const struct format format = { (enum encoding)e, 8000, channels };
			const uint8_t audio[24] = "0123456789abcdefghijklm";
			struct wav *wav = wav_new();
			struct buffer out;
			struct error err;
			size_t n, taken;
			void *file = deepgram_answer_wav(&format, audio, sizeof audio, &n);

			buffer_init(&out, 100);
			assert_int_equal(wav_feed(wav, file, n, &taken, &out, &err), 0);
			assert_memory_equal(wav_format(wav), &format, sizeof format);
			assert_int_equal(out.len, sizeof audio);
			assert_memory_equal(buffer_head(&out), audio, sizeof audio);
			buffer_done(&out);
			wav_free(&wav);
			free(file);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_language_that_was_heard_is_detected),
		cmocka_unit_test(finals_make_one_transcript),
		cmocka_unit_test(nothing_heard_is_an_empty_transcript),
		cmocka_unit_test(raw_audio_becomes_a_file_of_the_same_samples),
	};

	return cmocka_run_group_tests_name("deepgram_answer", tests, NULL, NULL);
}
