#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/openai_realtime_large.h"
#include "access/openai_realtime_patch.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "session/work.h"

#define HEAD "{\"type\":\"input_audio_buffer.append\",\"event_id\":\"e\",\"audio\":\""

enum { MANY = 3 * REALTIME_PIECE_CHARS + 8 };

/* The work pool, whose one thread is the test, and a client. */
struct bench {
	struct work work; /* first */
	struct work_item *item;
	struct realtime_large *large;
	unsigned commands, ends, pieces, jobs;
	size_t bytes;
	char code[64], event_id[64]; /* of the refusal */
	enum realtime_command_kind kind;
	unsigned hold_at, free_at; /* pieces; 0: never */
	bool free_on_command;
};

static void submit(struct work *w, struct work_item *item)
{
	struct bench *b = (struct bench *)(void *)w;

	assert_null(b->item);
	b->item = item;
	b->jobs++;
}

static bool run_one(struct bench *b)
{
	struct work_item *item = b->item;

	if (item == NULL)
		return false;
	b->item = NULL;
	item->run(item->arg);
	item->done(item->arg);
	return true;
}

static void run(struct bench *b)
{
	while (run_one(b))
		;
}

static void on_command(void *arg, const struct realtime_command *c, const struct error *why,
    const struct realtime_blame *blame)
{
	struct bench *b = arg;

	b->commands++;
	b->kind = c->kind;
	(void)snprintf(b->code, sizeof b->code, "%s", why == NULL ? "" : blame->code);
	(void)snprintf(b->event_id, sizeof b->event_id, "%s",
	    c->event_id == NULL ? "" : json_string_value(c->event_id));
	if (b->free_on_command)
		realtime_large_free(&b->large);
}

static bool on_audio(void *arg, const uint8_t *bytes, size_t n)
{
	struct bench *b = arg;

	assert_int_equal(b->commands, 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], (b->bytes + i) % 3 + 1);
	b->bytes += n;
	b->pieces++;
	if (b->pieces == b->free_at)
		realtime_large_free(&b->large);
	return b->pieces != b->hold_at;
}

static void on_end(void *arg)
{
	struct bench *b = arg;

	b->ends++;
	realtime_large_free(&b->large);
}

static const struct realtime_large_events events = {
	.on_command = on_command, .on_audio = on_audio, .on_end = on_end
};

static void give(struct bench *b, const char *head, size_t n, const char *tail)
{
	struct buffer message;

	buffer_init(&message, SIZE_MAX / 2);
	assert_int_equal(buffer_append(&message, head, strlen(head)), 0);
	for (size_t i = 0; i < n; i += 4)
		assert_int_equal(buffer_append(&message, "AQID", 4), 0);
	assert_int_equal(buffer_append(&message, tail, strlen(tail)), 0);
	b->work.submit = submit;
	b->large = realtime_large_new(&b->work, &message, &events, b);
	assert_int_equal(message.len, 0);
	assert_int_equal(b->commands, 0);
}

static void all_of_it_comes_in_pieces_of_a_job_each(void **state)
{
	struct bench b = { 0 };

	(void)state;
	give(&b, HEAD, MANY, "\"}");
	run(&b);
	assert_int_equal(b.commands + b.ends, 2);
	assert_int_equal(b.kind, REALTIME_APPEND);
	assert_string_equal(b.event_id, "e");
	assert_int_equal(b.bytes, MANY / 4 * 3);
	assert_int_equal(b.pieces, 4);
	assert_int_equal(b.jobs, 1 + 4 + 4);
	assert_null(b.large);
}

static void no_audio_comes_of_one_that_is_wrong_at_its_end(void **state)
{
	static const struct {
		const char *tail, *code;
	} rows[] = {
		{ "?\"}", "invalid_value" },
		{ "AQI\"}", "invalid_value" },
		{ "\",\"x\"}", "invalid_json" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b = { 0 };

		give(&b, HEAD, MANY, rows[i].tail);
		run(&b);
		assert_string_equal(b.code, rows[i].code);
		assert_string_equal(b.event_id, i < 2 ? "e" : "");
		assert_int_equal(b.pieces, 0);
		assert_int_equal(b.ends, 1);
	}
}

static void it_waits_where_there_is_enough(void **state)
{
	struct bench b = { .hold_at = 2 };

	(void)state;
	give(&b, HEAD, MANY, "\"}");
	realtime_large_go_on(b.large); /* nothing waits yet */
	run(&b);
	assert_int_equal(b.pieces, 2);
	assert_int_equal(b.ends, 0);
	realtime_large_go_on(b.large);
	realtime_large_go_on(b.large);
	run(&b);
	assert_int_equal(b.pieces, 4);
	assert_int_equal(b.ends, 1);
}

static void enough_at_the_last_piece_is_the_end_all_the_same(void **state)
{
	struct bench b = { .hold_at = 4 };

	(void)state;
	give(&b, HEAD, MANY, "\"}");
	run(&b);
	assert_int_equal(b.ends, 1);
}

static void what_is_no_append_is_read_and_ends(void **state)
{
	struct bench b = { 0 };

	(void)state;
	give(&b, "{\"type\":\"session.update\",\"session\":{\"instructions\":\"", MANY, "\"}}");
	run(&b);
	assert_int_equal(b.kind, REALTIME_UPDATE);
	assert_string_equal(b.code, "");
	assert_int_equal(b.ends, 1);
	assert_int_equal(b.jobs, 1);
}

/* In each job, after each, and from inside each event. */
static void it_may_be_freed_at_any_moment(void **state)
{
	(void)state;
	for (unsigned jobs = 0; jobs <= 9; jobs++) {
		struct bench b = { 0 };

		give(&b, HEAD, MANY, "\"}");
		for (unsigned i = 0; i < jobs; i++)
			(void)run_one(&b);
		realtime_large_free(&b.large);
		run(&b);
		assert_int_equal(b.ends, jobs == 9);
	}
	for (unsigned at = 0; at <= 4; at++) {
		struct bench b = { .free_at = at, .free_on_command = at == 0 };

		give(&b, HEAD, MANY, "\"}");
		run(&b);
		assert_int_equal(b.pieces, at);
		assert_int_equal(b.ends, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_comes_in_pieces_of_a_job_each),
		cmocka_unit_test(no_audio_comes_of_one_that_is_wrong_at_its_end),
		cmocka_unit_test(it_waits_where_there_is_enough),
		cmocka_unit_test(enough_at_the_last_piece_is_the_end_all_the_same),
		cmocka_unit_test(what_is_no_append_is_read_and_ends),
		cmocka_unit_test(it_may_be_freed_at_any_moment),
	};

	return cmocka_run_group_tests_name("openai_realtime_large", tests, NULL, NULL);
}
