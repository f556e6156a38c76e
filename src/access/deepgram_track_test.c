#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/deepgram_track.h"
#include "base/error.h"
#include "base/util.h"

/* What was said, a line each: "final 0-1200 'go forward' speech_final". */
static char said[4096];

static void note(const char *line)
{
	assert_true(strlen(said) + strlen(line) + 2 < sizeof said);
	(void)strcat(strcat(said, line), "\n");
}

static int ms_of(const json_t *object, const char *key)
{
	return (int)(json_number_value(json_object_get(object, key)) * 1000 + 0.5);
}

static void note_results(const json_t *m)
{
	const json_t *best =
	    json_array_get(json_object_get(json_object_get(m, "channel"), "alternatives"), 0);
	char line[200];

	(void)snprintf(line, sizeof line, "%s %d+%d '%s' %zu%s%s",
	    json_is_true(json_object_get(m, "is_final")) ? "final" : "interim", ms_of(m, "start"),
	    ms_of(m, "duration"), json_string_value(json_object_get(best, "transcript")),
	    json_array_size(json_object_get(best, "words")),
	    json_is_true(json_object_get(m, "speech_final")) ? " speech_final" : "",
	    json_is_true(json_object_get(m, "from_finalize")) ? " from_finalize" : "");
	note(line);
}

static void say(void *arg, json_t *m)
{
	const char *type = json_string_value(json_object_get(m, "type"));
	char line[100];

	(void)arg;
	assert_non_null(type);
	if (strcmp(type, "Results") == 0) {
		note_results(m);
	} else {
		(void)snprintf(line, sizeof line, "%s %d", type,
		    ms_of(m, strcmp(type, "UtteranceEnd") == 0 ? "last_word_end" : "timestamp"));
		note(line);
	}
	json_decref(m);
}

static struct deepgram_about about;

static struct deepgram_track start(struct deepgram_track_config cfg)
{
	struct deepgram_track t;

	said[0] = '\0';
	deepgram_about_init(&about, "en", 1);
	cfg.about = &about;
	cfg.say = say;
	cfg.margin_ms = 900;
	deepgram_track_init(&t, &cfg);
	return t;
}

static void tell(
    struct deepgram_track *t, enum session_event_kind kind, uint64_t utterance, uint64_t at_ms)
{
	struct session_event e = { .kind = kind, .utterance = utterance, .at_ms = at_ms };

	deepgram_track_event(t, &e);
}

static void hear(struct deepgram_track *t, uint64_t at_ms)
{
	struct session_event e = { .kind = SESSION_EVENT_HEARD, .heard = { 0, at_ms } };

	deepgram_track_event(t, &e);
}

static void partial(struct deepgram_track *t, uint64_t utterance, const char *text)
{
	struct session_event e = { .kind = SESSION_EVENT_PARTIAL,
		.utterance = utterance,
		.partial = { .text = text, .text_bytes = strlen(text) } };

	deepgram_track_event(t, &e);
}

/* One word, or none for "". */
static void final(struct deepgram_track *t, uint64_t utterance, const char *text, uint64_t from_ms,
    uint64_t to_ms, enum ear_cause cause)
{
	const struct session_word word = { text, strlen(text), from_ms + 100, to_ms - 600, 0.5f };
	struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.utterance = utterance,
		.final = { .text = text,
		    .text_bytes = strlen(text),
		    .start_ms = from_ms,
		    .end_ms = to_ms,
		    .confidence = 0.5f,
		    .words = &word,
		    .words_n = *text != '\0',
		    .cause = cause } };

	deepgram_track_event(t, &e);
}

static void commit(struct deepgram_track *t, uint64_t utterance)
{
	struct session_event e = { .kind = SESSION_EVENT_COMMITTED,
		.utterance = utterance,
		.committed = { utterance == 0 } };

	deepgram_track_event(t, &e);
}

static void fails(struct deepgram_track *t, uint64_t utterance)
{
	struct error why = { ERROR_ENGINE, "it broke" };
	struct session_event e = {
		.kind = SESSION_EVENT_ERROR, .utterance = utterance, .error = { &why, 0, false }
	};

	deepgram_track_event(t, &e);
}

static void ended(struct deepgram_track *t, uint64_t audio_ms)
{
	struct session_event e = { .kind = SESSION_EVENT_ENDED, .ended = { audio_ms, 0 } };

	deepgram_track_event(t, &e);
}

static void final_results_lie_end_to_end(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 500);
	partial(&t, 1, "go");
	hear(&t, 900);
	tell(&t, SESSION_EVENT_SPEECH_END, 1, 1500);
	final(&t, 1, "go", 200, 2100, EAR_CAUSE_SILENCE);
	tell(&t, SESSION_EVENT_SPEECH_START, 2, 2500);
	final(&t, 2, "on", 2200, 32200, EAR_CAUSE_MAX_LENGTH);
	ended(&t, 33000);
	assert_string_equal(said,
	    "final 0+2100 'go' 1 speech_final\n"
	    "final 2100+30100 'on' 1\n"
	    "final 32200+800 '' 0\n");
}

static void interim_results_have_the_start_of_the_final_that_replaces_them(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){
	    .endpointing = true, .interim_results = true, .vad_events = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 500);
	partial(&t, 1, "go");
	hear(&t, 900);
	partial(&t, 1, "go forward");
	final(&t, 1, "go forward", 200, 2100, EAR_CAUSE_SILENCE);
	tell(&t, SESSION_EVENT_SPEECH_START, 2, 2500);
	partial(&t, 2, "ten");
	assert_string_equal(said,
	    "SpeechStarted 500\n"
	    "interim 0+500 'go' 0\n"
	    "interim 0+900 'go forward' 0\n"
	    "final 0+2100 'go forward' 1 speech_final\n"
	    "SpeechStarted 2500\n"
	    "interim 2100+400 'ten' 0\n");
}

static void without_endpointing_nothing_is_speech_final(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ 0 });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 500);
	final(&t, 1, "go", 200, 2100, EAR_CAUSE_SILENCE);
	assert_string_equal(said, "final 0+2100 'go' 1\n");
}

static void silence_is_told_now_and_then_but_not_where_speech_may_have_begun(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ 0 });

	(void)state;
	hear(&t, 4800);
	assert_string_equal(said, "");
	hear(&t, 5000);
	hear(&t, 8000);
	hear(&t, 9100);
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 9000);
	hear(&t, 20000);
	assert_string_equal(said, "final 0+4100 '' 0\nfinal 4100+4100 '' 0\n");
}

static void the_end_of_an_utterance_is_told_once_no_word_followed_for_so_long(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .utterance_end_ms = 1000 });

	(void)state;
	hear(&t, 3000);
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 3000);
	final(&t, 1, "go", 3000, 4600, EAR_CAUSE_SILENCE); /* its word ends at 4000 */
	hear(&t, 4900);
	hear(&t, 5000);
	hear(&t, 6000);
	assert_string_equal(said, "final 0+4600 'go' 1\nUtteranceEnd 4000\n");
}

static void words_that_are_on_their_way_put_it_off_and_noise_does_not(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .utterance_end_ms = 1000 });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 0);
	final(&t, 1, "go", 0, 1600, EAR_CAUSE_SILENCE);
	tell(&t, SESSION_EVENT_SPEECH_START, 2, 1700);
	partial(&t, 2, "on");
	hear(&t, 2500);
	tell(&t, SESSION_EVENT_SPEECH_END, 2, 2600);
	final(&t, 2, "on", 1700, 3200, EAR_CAUSE_SILENCE); /* its word ends at 2600 */
	tell(&t, SESSION_EVENT_SPEECH_START, 3, 3300);
	hear(&t, 3600);
	assert_string_equal(
	    said, "final 0+1600 'go' 1\nfinal 1600+1600 'on' 1\nUtteranceEnd 2600\n");
}

enum { WORD_MS = 500 };

/* A partial or final of n words "w1 w2 ...", one each WORD_MS from from_ms on, of which `stable` stand; `stretch` is how much later the
 * words behind the first one are. */
static struct session_word *numbered(
    char *text, unsigned n, uint64_t from_ms, unsigned stretch, size_t stable, size_t *stable_bytes)
{
	struct session_word *words = calloc(n + 1, sizeof *words);

	assert_non_null(words);
	*text = '\0';
	*stable_bytes = 0;
	for (unsigned i = 0; i < n; i++) {
		char *at = text + strlen(text) + (i > 0);
		uint64_t start_ms = from_ms + (uint64_t)i * WORD_MS + (i > 0 ? stretch : 0);

		(void)sprintf(text + strlen(text), "%sw%u", i > 0 ? " " : "", i + 1);
		words[i] = (struct session_word){ at, strlen(at), start_ms,
			start_ms + WORD_MS - 100, 0.5f };
		if (i < stable)
			*stable_bytes = strlen(text);
	}
	return words;
}

static void partial_of(struct deepgram_track *t, unsigned n, unsigned stable, bool timed)
{
	char text[400];
	size_t stable_bytes;
	struct session_word *words = numbered(text, n, 200, 0, stable, &stable_bytes);
	struct session_event e = { .kind = SESSION_EVENT_PARTIAL,
		.utterance = 1,
		.partial = { .text = text,
		    .text_bytes = strlen(text),
		    .stable_bytes = stable_bytes,
		    .confidence = 0.25f,
		    .words = words,
		    .words_n = timed ? n : 0 } };

	deepgram_track_event(t, &e);
	free(words);
}

static void final_of(struct deepgram_track *t, unsigned n, unsigned stretch, uint64_t to_ms)
{
	char text[400];
	size_t ignored;
	struct session_word *words = numbered(text, n, 200, stretch, 0, &ignored);
	struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = text,
		    .text_bytes = strlen(text),
		    .end_ms = to_ms,
		    .words = words,
		    .words_n = n,
		    .cause = EAR_CAUSE_SILENCE } };

	deepgram_track_event(t, &e);
	free(words);
}

static void steady_speech_is_fixed_piece_by_piece_and_the_final_has_the_rest(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 200);
	hear(&t, 3000);
	partial_of(&t, 6, 4, true); /* too little stands */
	hear(&t, 4500);
	partial_of(&t, 8, 7,
	    true); /* enough stands, of which the last ended 900 ms ago: six are too little */
	hear(&t, 5000);
	partial_of(&t, 9, 8, true); /* the seventh ended at 3600 */
	hear(&t, 6000);
	partial_of(&t, 11, 10, true);
	hear(&t, 9000);
	partial_of(&t, 16, 15, true);
	final_of(&t, 17, 0, 9500);
	assert_string_equal(said,
	    "final 0+3600 'w1 w2 w3 w4 w5 w6 w7' 7\n"
	    "final 3600+4000 'w8 w9 w10 w11 w12 w13 w14 w15' 8\n"
	    "final 7600+1900 'w16 w17' 2 speech_final\n");
}

static void interim_results_of_steady_speech_begin_where_the_fixed_piece_ends(void **state)
{
	struct deepgram_track t =
	    start((struct deepgram_track_config){ .endpointing = true, .interim_results = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 200);
	hear(&t, 5000);
	partial_of(&t, 7, 7, true);
	partial_of(&t, 7, 7, true);
	partial_of(&t, 9, 7, true);
	assert_string_equal(said,
	    "final 0+3600 'w1 w2 w3 w4 w5 w6 w7' 7\n"
	    "interim 3600+1400 'w8 w9' 2\n");
}

static void what_a_final_has_before_the_end_of_a_fixed_piece_is_not_told_again(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 200);
	hear(&t, 5000);
	partial_of(&t, 8, 7, true);
	final_of(&t, 8, WORD_MS, 6000); /* it has one word less there */
	assert_string_equal(said,
	    "final 0+3600 'w1 w2 w3 w4 w5 w6 w7' 7\n"
	    "final 3600+2400 'w7 w8' 2 speech_final\n");
}

static void without_times_of_words_as_many_are_left_out_as_were_fixed(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .interim_results = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 200);
	hear(&t, 5000);
	partial_of(&t, 8, 7, false); /* 20 of 23 bytes, in 4800 ms */
	final_of(&t, 9, 0, 6000);
	assert_string_equal(said,
	    "final 0+4373 'w1 w2 w3 w4 w5 w6 w7' 0\n"
	    "interim 4373+627 'w8' 0\n"
	    "final 4373+1627 'w8 w9' 2\n");
}

static void a_final_without_anything_new_still_ends_the_utterance(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 200);
	hear(&t, 5000);
	partial_of(&t, 7, 7, true);
	final_of(&t, 7, 0, 5500);
	tell(&t, SESSION_EVENT_SPEECH_START, 2, 6000);
	final(&t, 2, "on", 6000, 7600, EAR_CAUSE_SILENCE);
	assert_string_equal(said,
	    "final 0+3600 'w1 w2 w3 w4 w5 w6 w7' 7\n"
	    "final 3600+1900 '' 0 speech_final\n"
	    "final 5500+2100 'on' 1 speech_final\n");
}

static void finalize_is_answered_by_the_final_it_caused(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 0);
	tell(&t, SESSION_EVENT_SPEECH_END, 1, 900);
	commit(&t, 1);
	final(&t, 1, "go", 0, 1000, EAR_CAUSE_COMMIT);
	tell(&t, SESSION_EVENT_SPEECH_START, 2, 1500);
	final(&t, 2, "on", 1300, 2500, EAR_CAUSE_SILENCE);
	assert_string_equal(
	    said, "final 0+1000 'go' 1 from_finalize\nfinal 1000+1500 'on' 1 speech_final\n");
}

static void finalize_of_nothing_is_answered_by_a_result_without_text(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ 0 });

	(void)state;
	commit(&t, 0);
	hear(&t, 2000);
	commit(&t, 0);
	assert_string_equal(
	    said, "final 0+0 '' 0 from_finalize\nfinal 0+1100 '' 0 from_finalize\n");
}

static void finalize_of_nothing_waits_for_what_was_said_before(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 0);
	tell(&t, SESSION_EVENT_SPEECH_END, 1, 900);
	commit(&t, 0);
	final(&t, 1, "go", 0, 1500, EAR_CAUSE_SILENCE);
	assert_string_equal(said, "final 0+1500 'go' 1 speech_final from_finalize\n");
}

static void an_utterance_that_fails_is_told_and_answers_its_finalize(void **state)
{
	struct deepgram_track t = start((struct deepgram_track_config){ .endpointing = true });

	(void)state;
	tell(&t, SESSION_EVENT_SPEECH_START, 1, 0);
	tell(&t, SESSION_EVENT_SPEECH_END, 1, 900);
	commit(&t, 1);
	fails(&t, 1);
	tell(&t, SESSION_EVENT_SPEECH_START, 2, 1500);
	final(&t, 2, "on", 1300, 2500, EAR_CAUSE_SILENCE);
	assert_string_equal(
	    said, "Error 0\nfinal 0+0 '' 0 from_finalize\nfinal 0+2500 'on' 1 speech_final\n");
}

static void the_same_pool_has_the_same_model_id_and_each_stream_its_own_request(void **state)
{
	struct deepgram_about a, b, c;

	(void)state;
	deepgram_about_init(&a, "en", 1);
	deepgram_about_init(&b, "en", 1);
	deepgram_about_init(&c, "de", 1);
	assert_string_equal(a.model_id, b.model_id);
	assert_string_not_equal(a.model_id, c.model_id);
	assert_string_not_equal(a.request_id, b.request_id);
	assert_int_equal(strlen(a.request_id), 36);
	assert_int_equal(a.request_id[14], '4');
	assert_int_equal(strlen(a.created), 24);
}

static void words_have_times_in_seconds_and_punctuation_where_it_was_asked_for(void **state)
{
	const struct session_word some[] = { { "caf\xc3\xa9 \xff", 7, 1120, 1480, 0.98765f },
		{ "\xc2\xbf\xc3\x89l-I'm?", 10, 1500, 1600, 1 }, { "...", 3, 1600, 1700, 1 } };
	json_t *words = deepgram_words_of(some, 3, true);
	char *text = json_dumps(words, JSON_COMPACT | JSON_REAL_PRECISION(9));

	(void)state;
	assert_string_equal(text,
	    "[{\"word\":\"caf?? ?\",\"start\":1.12,\"end\":1.48,\"confidence\":0.9877,"
	    "\"punctuated_word\":\"caf?? ?\"},"
	    "{\"word\":\"\xc3\xa9l-i'm\",\"start\":1.5,\"end\":1.6,\"confidence\":1.0,"
	    "\"punctuated_word\":\"\xc2\xbf\xc3\x89l-I'm?\"},"
	    "{\"word\":\"...\",\"start\":1.6,\"end\":1.7,\"confidence\":1.0,"
	    "\"punctuated_word\":\"...\"}]");
	free(text);
	json_decref(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(final_results_lie_end_to_end),
		cmocka_unit_test(interim_results_have_the_start_of_the_final_that_replaces_them),
		cmocka_unit_test(without_endpointing_nothing_is_speech_final),
		cmocka_unit_test(silence_is_told_now_and_then_but_not_where_speech_may_have_begun),
		cmocka_unit_test(the_end_of_an_utterance_is_told_once_no_word_followed_for_so_long),
		cmocka_unit_test(words_that_are_on_their_way_put_it_off_and_noise_does_not),
		cmocka_unit_test(steady_speech_is_fixed_piece_by_piece_and_the_final_has_the_rest),
		cmocka_unit_test(interim_results_of_steady_speech_begin_where_the_fixed_piece_ends),
		cmocka_unit_test(
		    what_a_final_has_before_the_end_of_a_fixed_piece_is_not_told_again),
		cmocka_unit_test(without_times_of_words_as_many_are_left_out_as_were_fixed),
		cmocka_unit_test(a_final_without_anything_new_still_ends_the_utterance),
		cmocka_unit_test(finalize_is_answered_by_the_final_it_caused),
		cmocka_unit_test(finalize_of_nothing_is_answered_by_a_result_without_text),
		cmocka_unit_test(finalize_of_nothing_waits_for_what_was_said_before),
		cmocka_unit_test(an_utterance_that_fails_is_told_and_answers_its_finalize),
		cmocka_unit_test(
		    the_same_pool_has_the_same_model_id_and_each_stream_its_own_request),
		cmocka_unit_test(
		    words_have_times_in_seconds_and_punctuation_where_it_was_asked_for),
	};

	return cmocka_run_group_tests_name("deepgram_track", tests, NULL, NULL);
}
