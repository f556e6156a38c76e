#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/deepgram_event.h"
#include "access/deepgram_passages.h"
#include "session/session.h"

/* "go" at 100 ms, "on" at 700 ms, each 200 ms long. */
static const struct session_word words[] = { { "go", 2, 100, 300, 1.0f },
	{ "on", 2, 700, 900, 0.5f } };

static void add_final(json_t *finals, const char *text, uint64_t start_ms, uint64_t end_ms)
{
	const struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.final = { .text = text,
		    .text_bytes = strlen(text),
		    .start_ms = start_ms,
		    .end_ms = end_ms,
		    .confidence = 0.5f } };

	assert_int_equal(json_array_append_new(finals, deepgram_passage_of(&e)), 0);
}

/* "0.1-0.9 #0 'go on' 2 0.75" of each, a line each. */
static void assert_utterances(json_t *utterances, const char *want)
{
	char all[400] = "";

	for (size_t i = 0; i < json_array_size(utterances); i++) {
		const json_t *u = json_array_get(utterances, i);

		(void)sprintf(all + strlen(all), "%g-%g #%d '%s' %zu %g\n",
		    json_number_value(json_object_get(u, "start")),
		    json_number_value(json_object_get(u, "end")),
		    (int)json_integer_value(json_object_get(u, "channel")),
		    json_string_value(json_object_get(u, "transcript")),
		    json_array_size(json_object_get(u, "words")),
		    json_number_value(json_object_get(u, "confidence")));
		assert_int_equal(json_string_length(json_object_get(u, "id")), 36);
	}
	assert_string_equal(all, want);
	json_decref(utterances);
}

static void an_utterance_ends_where_no_word_follows_for_so_long(void **state)
{
	json_t *all = deepgram_words_of(words, 2, false);

	(void)state;
	assert_utterances(deepgram_utterances_of(all, NULL, 1, 500), "0.1-0.9 #1 'go on' 2 0.75\n");
	assert_utterances(deepgram_utterances_of(all, NULL, 0, 400),
	    "0.1-0.3 #0 'go' 1 1\n0.7-0.9 #0 'on' 1 0.5\n");
	json_decref(all);
}

static void without_words_each_final_is_an_utterance(void **state)
{
	json_t *finals = json_array();

	(void)state;
	add_final(finals, "go on", 0, 1000);
	add_final(finals, "ten", 1100, 2000);
	assert_utterances(deepgram_utterances_of(NULL, finals, 0, 800),
	    "0-1 #0 'go on' 0 0.5\n1.1-2 #0 'ten' 0 0.5\n");
	assert_utterances(deepgram_utterances_of(NULL, NULL, 0, 800), "");
	json_decref(finals);
}

static void utterances_of_two_channels_come_in_the_order_they_began(void **state)
{
	json_t *all = deepgram_words_of(words, 2, false);
	json_t *finals = json_array();

	(void)state;
	add_final(finals, "yes", 400, 600);
	assert_utterances(deepgram_utterances_merge(deepgram_utterances_of(all, NULL, 0, 400),
			      deepgram_utterances_of(NULL, finals, 1, 400)),
	    "0.1-0.3 #0 'go' 1 1\n0.4-0.6 #1 'yes' 0 0.5\n0.7-0.9 #0 'on' 1 0.5\n");
	json_decref(finals);
	json_decref(all);
}

static void a_paragraph_ends_at_a_long_pause_or_after_five_sentences(void **state)
{
	json_t *finals = json_array(), *p;
	char *text;

	(void)state;
	add_final(finals, "a", 0, 1000);
	add_final(finals, "b", 1500, 2000);
	add_final(finals, "c", 4000, 5000);
	p = deepgram_paragraphs_of(finals);
	text = json_dumps(p, JSON_COMPACT | JSON_REAL_PRECISION(9));
	assert_string_equal(text,
	    "{\"transcript\":\"a b\\n\\nc\",\"paragraphs\":["
	    "{\"sentences\":[{\"text\":\"a\",\"start\":0.0,\"end\":1.0},"
	    "{\"text\":\"b\",\"start\":1.5,\"end\":2.0}],\"num_words\":0,\"start\":0.0,\"end\":2.0}"
	    ","
	    "{\"sentences\":[{\"text\":\"c\",\"start\":4.0,\"end\":5.0}],\"num_words\":0,"
	    "\"start\":4.0,\"end\":5.0}]}");
	free(text);
	json_decref(p);
	for (unsigned i = 0; i < 5; i++)
		add_final(finals, "d", 5000, 5000);
	p = deepgram_paragraphs_of(finals);
	assert_int_equal(json_array_size(json_object_get(p, "paragraphs")), 3);
	json_decref(p);
	json_decref(finals);
	p = deepgram_paragraphs_of(NULL);
	assert_string_equal(json_string_value(json_object_get(p, "transcript")), "");
	json_decref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_utterance_ends_where_no_word_follows_for_so_long),
		cmocka_unit_test(without_words_each_final_is_an_utterance),
		cmocka_unit_test(utterances_of_two_channels_come_in_the_order_they_began),
		cmocka_unit_test(a_paragraph_ends_at_a_long_pause_or_after_five_sentences),
	};

	return cmocka_run_group_tests_name("deepgram_passages", tests, NULL, NULL);
}
