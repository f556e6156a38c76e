#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/wyoming_transcript.h"
#include "session/session.h"

static char told[1024]; /* "type text|type text|..." without what they begin with */

static void send(void *arg, const char *type, json_t *data)
{
	const char *text = json_string_value(json_object_get(data, "text"));
	size_t n = strlen(told);

	assert_ptr_equal(arg, told);
	(void)snprintf(told + n, sizeof told - n, "%s%s%s|", type + strlen("transcript"),
	    text == NULL ? "" : ":", text == NULL ? "" : text);
	json_decref(data);
}

static void init(struct wyoming_transcript *t)
{
	told[0] = '\0';
	wyoming_transcript_init(t, send, told);
	wyoming_transcript_begin(t, "en");
}

static int final_of(struct wyoming_transcript *t, const char *text, size_t n)
{
	const struct session_event e = { .final = { .text = text, .text_bytes = n } };

	return wyoming_transcript_final(t, &e);
}

static void partial(struct wyoming_transcript *t, const char *text, size_t settled)
{
	const struct session_event e = {
		.partial = { .text = text, .text_bytes = strlen(text), .settled_bytes = settled }
	};

	wyoming_transcript_partial(t, &e);
}

static void final(struct wyoming_transcript *t, const char *text)
{
	assert_int_equal(final_of(t, text, strlen(text)), 0);
}

static void chunks_make_the_transcript(void **state)
{
	struct wyoming_transcript t;

	(void)state;
	init(&t);
	partial(&t, "go for", 0);
	partial(&t, "go forward", 2);
	final(&t, "go forward");
	final(&t, "");
	final(&t, "ten");
	partial(&t, "meters", 6);
	final(&t, "meters");
	wyoming_transcript_end(&t);
	assert_string_equal(told,
	    "-start|-chunk:go|-chunk: forward|-chunk: ten|-chunk: meters|"
	    ":go forward ten meters|-stop|");
	wyoming_transcript_done(&t);
}

static void where_nothing_was_said_the_transcript_is_empty(void **state)
{
	struct wyoming_transcript t;

	(void)state;
	init(&t);
	final(&t, "");
	wyoming_transcript_end(&t);
	assert_string_equal(told, "-start|:|-stop|");
	wyoming_transcript_done(&t);
}

static void the_next_one_knows_nothing_of_the_one_before(void **state)
{
	struct wyoming_transcript t;

	(void)state;
	init(&t);
	final(&t, "one");
	partial(&t, "two", 3);
	wyoming_transcript_begin(&t, "de");
	told[0] = '\0';
	final(&t, "two");
	wyoming_transcript_end(&t);
	assert_string_equal(told, "-start|-chunk:two|:two|-stop|");
	wyoming_transcript_done(&t);
}

static void an_utterance_that_failed_takes_nothing_of_the_next(void **state)
{
	struct wyoming_transcript t;

	(void)state;
	init(&t);
	partial(&t, "one", 3);
	wyoming_transcript_lose(&t);
	final(&t, "two");
	assert_string_equal(told, "-start|-chunk:one|-chunk: two|");
	wyoming_transcript_done(&t);
}

static void a_final_that_differs_is_right_in_the_transcript(void **state)
{
	struct wyoming_transcript t;

	(void)state;
	init(&t);
	partial(&t, "go four", 7);
	final(&t, "go forward");
	wyoming_transcript_end(&t);
	assert_string_equal(told, "-start|-chunk:go four|:go forward|-stop|");
	wyoming_transcript_done(&t);
}

static void a_transcript_without_end_is_refused(void **state)
{
	static char text[WYOMING_TRANSCRIPT_BYTES];
	struct wyoming_transcript t;

	(void)state;
	memset(text, 'x', sizeof text);
	init(&t);
	assert_int_equal(final_of(&t, text, sizeof text), 0);
	assert_int_equal(final_of(&t, text, 1), -1);
	wyoming_transcript_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_make_the_transcript),
		cmocka_unit_test(where_nothing_was_said_the_transcript_is_empty),
		cmocka_unit_test(the_next_one_knows_nothing_of_the_one_before),
		cmocka_unit_test(an_utterance_that_failed_takes_nothing_of_the_next),
		cmocka_unit_test(a_final_that_differs_is_right_in_the_transcript),
		cmocka_unit_test(a_transcript_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
