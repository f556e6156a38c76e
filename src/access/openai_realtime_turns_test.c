#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_realtime_turns.h"
#include "base/error.h"
#include "base/util.h"

/* What was sent, in short: "started 1 200; delta 1 'go'; ...", items by the number at their end. */
static char sent[2000];

static void add(const char *text)
{
	(void)strncat(sent, text, sizeof sent - strlen(sent) - 1);
}

static void add_item(const json_t *event, const char *field)
{
	const json_t *id = json_object_get(event, field);

	if (id != NULL) {
		add(" ");
		add(json_is_null(id) ? "-" : strrchr(json_string_value(id), '_') + 1);
	}
}

static void add_number(const json_t *event, const char *field)
{
	char text[32];

	if (json_object_get(event, field) == NULL)
		return;
	(void)snprintf(
	    text, sizeof text, " %d", (int)json_integer_value(json_object_get(event, field)));
	add(text);
}

static void add_text(const json_t *event, const char *field)
{
	const char *text = json_string_value(json_object_get(event, field));

	if (text == NULL)
		return;
	add(" '");
	add(text);
	add("'");
}

static void send(void *arg, json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));

	(void)arg;
	assert_non_null(event);
	add(*sent == '\0' ? "" : "; ");
	add(strrchr(type, '.') + 1);
	add_item(event, "previous_item_id");
	add_item(event, "item_id");
	add_number(event, "audio_start_ms");
	add_number(event, "audio_end_ms");
	add_text(event, "delta");
	add_text(event, "transcript");
	add_number(json_object_get(event, "usage"), "seconds");
	add_text(json_object_get(event, "error"), "code");
	json_decref(event);
}

static const struct error failure = { ERROR_ENGINE, "it died" };
static const struct realtime_mode vad = { false, 300, 500 }, manual = { true, 300, 500 };
static struct realtime_ids ids;
static struct realtime_turns turns;

static int setup(void **state)
{
	(void)state;
	*sent = '\0';
	ids = (struct realtime_ids){ .nonce = "x" };
	turns =
	    (struct realtime_turns){ .ids = &ids, .send = send, .mode = vad, .given_ms = 100000 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	realtime_turns_done(&turns);
	return 0;
}

static void start(uint64_t utterance, uint64_t at_ms)
{
	const struct session_event e = {
		.kind = SESSION_EVENT_SPEECH_START, .utterance = utterance, .at_ms = at_ms
	};

	realtime_turns_event(&turns, &e);
}

static void end_by(uint64_t utterance, uint64_t at_ms, enum ear_cause cause)
{
	const struct session_event e = { .kind = SESSION_EVENT_SPEECH_END,
		.utterance = utterance,
		.at_ms = at_ms,
		.end_cause = cause };

	realtime_turns_event(&turns, &e);
}

static void end(uint64_t utterance, uint64_t at_ms)
{
	end_by(utterance, at_ms, EAR_CAUSE_SILENCE);
}

static void partial(uint64_t utterance, const char *text, size_t stable)
{
	const struct session_event e = { .kind = SESSION_EVENT_PARTIAL,
		.utterance = utterance,
		.partial = { .text = text,
		    .text_bytes = strlen(text),
		    .stable_bytes = strlen(text),
		    .settled_bytes = stable } };

	realtime_turns_event(&turns, &e);
}

static void final(uint64_t utterance, const char *text)
{
	const struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.utterance = utterance,
		.final = { .text = text, .text_bytes = strlen(text), .end_ms = 1500 } };

	realtime_turns_event(&turns, &e);
}

static void error(uint64_t utterance)
{
	const struct session_event e = {
		.kind = SESSION_EVENT_ERROR, .utterance = utterance, .error = { &failure, 0, false }
	};

	realtime_turns_event(&turns, &e);
}

static void committed(uint64_t utterance)
{
	const struct session_event e = { .kind = SESSION_EVENT_COMMITTED,
		.utterance = utterance,
		.committed = { utterance == 0 } };

	realtime_turns_event(&turns, &e);
}

static void cleared(void)
{
	const struct session_event e = { .kind = SESSION_EVENT_CLEARED };

	realtime_turns_event(&turns, &e);
}

static void test_vad(void **state)
{
	(void)state;
	start(1, 100);
	partial(1, "go for", 2);
	end(1, 2000);
	final(1, "go forward");
	assert_string_equal(sent,
	    "speech_started 1 0; delta 1 'go'; speech_stopped 1 2500; committed - 1; added -; done "
	    "-; "
	    "delta 1 ' forward'; completed 1 'go forward' 2");
}

static void test_second(void **state)
{
	(void)state;
	turns.beta = true;
	turns.given_ms = 5100;
	start(1, 1000);
	end(1, 2000);
	start(2, 4000);
	end(2, 5000);
	final(1, "a");
	final(2, "");
	assert_string_equal(sent,
	    "speech_started 1 700; speech_stopped 1 2500; committed - 1; created -; "
	    "speech_started 2 3700; speech_stopped 2 5100; committed 1 2; created 1; "
	    "delta 1 'a'; completed 1 'a' 2; completed 2 '' 2");
}

static void test_revised(void **state)
{
	(void)state;
	start(1, 0);
	partial(1, "recognise", 9);
	end(1, 1000);
	final(1, "wreck a nice beach");
	assert_non_null(strstr(sent, "delta 1 'recognise'"));
	assert_non_null(
	    strstr(sent, "done -; delta 1 ' a nice beach'; completed 1 'wreck a nice beach' 2"));
}

static void test_manual(void **state)
{
	(void)state;
	turns.mode = manual;
	realtime_turns_commit(&turns);
	start(1, 0);
	partial(1, "one two", 7);
	end(1, 1000);
	final(1, "one two");
	start(2, 1000);
	end(2, 1500);
	assert_string_equal(sent, "");
	committed(2);
	final(2, "three");
	assert_string_equal(sent,
	    "committed - 1; added -; done -; delta 1 'one two'; delta 1 ' three'; completed 1 'one "
	    "two three' 3");
}

static void test_cut_at_commit(void **state)
{
	(void)state;
	turns.mode = manual;
	realtime_turns_commit(&turns);
	start(1, 0);
	end(1, 1000);
	final(1, "one");
	committed(0);
	assert_string_equal(
	    sent, "committed - 1; added -; done -; delta 1 'one'; completed 1 'one' 2");
}

static void test_empty(void **state)
{
	(void)state;
	realtime_turns_commit(&turns);
	committed(0);
	assert_string_equal(sent, "committed - 1; added -; done -; completed 1 '' 0");
}

static void test_commit_with_vad(void **state)
{
	(void)state;
	realtime_turns_commit(&turns);
	start(1, 500);
	end_by(1, 1000, EAR_CAUSE_COMMIT);
	committed(1);
	final(1, "x");
	assert_string_equal(sent,
	    "speech_started 1 200; speech_stopped 1 1000; committed - 1; added -; done -; delta 1 "
	    "'x'; "
	    "completed 1 'x' 2");
}

static void test_no_overlap(void **state)
{
	static const enum ear_cause causes[] = { EAR_CAUSE_MAX_LENGTH, EAR_CAUSE_COMMIT,
		EAR_CAUSE_STOP, EAR_CAUSE_SILENCE };

	(void)state;
	for (uint64_t i = 0; i < ARRAY_SIZE(causes); i++) {
		start(i + 1, i * 1000);
		end_by(i + 1, i * 1000 + 1000, causes[i]);
	}
	start(5, 4100);
	assert_non_null(strstr(sent, "speech_stopped 1 1000; "));
	assert_non_null(strstr(sent, "speech_started 2 1000; speech_stopped 2 2000; "));
	assert_non_null(strstr(sent, "speech_started 3 2000; speech_stopped 3 3000; "));
	assert_non_null(strstr(sent, "speech_started 4 3000; speech_stopped 4 4500; "));
	assert_non_null(strstr(sent, "speech_started 5 4500"));
}

static void test_failed(void **state)
{
	(void)state;
	turns.mode = manual;
	realtime_turns_commit(&turns);
	start(1, 0);
	error(1);
	end(1, 1000);
	start(2, 1000);
	end(2, 2000);
	committed(2);
	final(2, "more");
	assert_string_equal(sent, "committed - 1; added -; done -; failed 1 'server_error'");
}

static void test_failed_while_open(void **state)
{
	(void)state;
	start(1, 0);
	error(1);
	end(1, 1000);
	assert_non_null(strstr(sent, "done -; failed 1 'server_error'"));
	assert_null(turns.first);
}

static void test_cleared(void **state)
{
	(void)state;
	turns.mode = manual;
	start(1, 0);
	end(1, 1000);
	start(2, 1000);
	cleared();
	final(1, "late");
	assert_string_equal(sent, "cleared");
	assert_null(turns.first);
}

static void test_switch(void **state)
{
	(void)state;
	turns.mode = manual;
	realtime_turns_commit(&turns);
	realtime_turns_switch(&turns, &vad);
	start(1, 0);
	end(1, 1000);
	committed(1);
	start(2, 1000);
	end(2, 1500);
	committed(2);
	start(3, 2000);
	assert_string_equal(sent,
	    "committed - 1; added -; done -; committed 1 2; added 1; done 1; speech_started 3 "
	    "1700");
	realtime_turns_switch(&turns, &manual);
	end(3, 3000);
	committed(3);
	start(4, 4000);
	assert_null(strstr(sent, "speech_started 4"));
	realtime_turns_switch(&turns, &vad); /* never answered */
}

static void test_switch_of_nothing(void **state)
{
	(void)state;
	realtime_turns_switch(&turns, &manual);
	committed(0);
	assert_string_equal(sent, "");
	assert_true(turns.mode.manual);
}

static void test_fail(void **state)
{
	(void)state;
	start(1, 300);
	end(1, 1000);
	start(2, 2300);
	*sent = '\0';
	realtime_turns_fail(&turns, &failure);
	assert_string_equal(sent, "failed 1 'server_error'");
	assert_null(turns.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a turn that speech detection ends", test_vad, setup, teardown, NULL },
		{ "two turns, one empty, in beta", test_second, setup, teardown, NULL },
		{ "a final that is not what was sent stands in completed alone", test_revised,
		    setup, teardown, NULL },
		{ "a manual turn of two utterances says nothing before its commit", test_manual,
		    setup, teardown, NULL },
		{ "a manual turn that was cut at its commit", test_cut_at_commit, setup, teardown,
		    NULL },
		{ "a commit of nothing", test_empty, setup, teardown, NULL },
		{ "a commit with speech detection makes one item", test_commit_with_vad, setup,
		    teardown, NULL },
		{ "no turn begins before the end of the last one", test_no_overlap, setup, teardown,
		    NULL },
		{ "a turn fails with any of its utterances", test_failed, setup, teardown, NULL },
		{ "one that fails while it is open is told at its end", test_failed_while_open,
		    setup, teardown, NULL },
		{ "a cleared turn is gone, whatever still comes of it", test_cleared, setup,
		    teardown, NULL },
		{ "another mode begins with the answer to its commit", test_switch, setup, teardown,
		    NULL },
		{ "a change of mode makes no item of nothing", test_switch_of_nothing, setup,
		    teardown, NULL },
		{ "what waits for its text has failed at the end, what is open is not told",
		    test_fail, setup, teardown, NULL },
	};

	return cmocka_run_group_tests_name("openai_realtime_turns", tests, NULL, NULL);
}
