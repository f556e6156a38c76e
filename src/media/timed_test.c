#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "media/timed.h"

/* Sizes are in ms. Of a chunk a letter says what its bytes are; in what is wanted a dot is one of silence, runs are counted. */
static struct row {
	const char *name;
	struct {
		uint32_t at_ms, n;
	} chunks[6];
	bool from_first;
	const char *want;
} rows[] = {
	{ "without a hole it goes as it is", { { 0, 200 }, { 200, 300 } }, false, "a200 b300" },
	{ "a small one is none", { { 7, 200 }, { 290, 300 } }, false, "a200 b300" },
	{ "small ones add up until there is silence",
	    { { 0, 200 }, { 260, 200 }, { 520, 200 }, { 780, 200 } }, false,
	    "a200 b200 .120 c200 d200" },
	{ "a hole is silence", { { 0, 200 }, { 20200, 300 } }, false, "a200 .20000 b300" },
	{ "a late track begins late", { { 8000, 200 } }, false, ".8000 a200" },
	{ "or not, where it says so", { { 8000, 200 }, { 9000, 100 } }, true, "a200 .800 b100" },
	{ "what overlaps stands behind",
	    { { 0, 1000 }, { 500, 1000 }, { 1500, 500 }, { 2700, 10 } }, false,
	    "a1000 b1000 c500 .200 d10" },
	{ "a clock that begins anew goes on", { { 0, 20000 }, { 0, 500 }, { 1000, 10 } }, false,
	    "a20000 b500 .500 c10" },
	{ "no audio at all", { { 0, 0 } }, false, "" },
};

static size_t put(uint8_t *to, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[at + i] = (uint8_t)(value >> (24 - 8 * i));
	return at + 4;
}

static size_t build(uint8_t *to, const struct row *r)
{
	static const char head[] =
	    "\0\nSMJPEG\0\0\0\0\0\0\0\0_TXT\0\0\0\3xyz_SND\0\0\0\x8\x3e\x80\x10\1NONEHEND";
	size_t at = sizeof head - 1;

	memcpy(to, head, at);
	for (unsigned i = 0; i < ARRAY_SIZE(r->chunks) && r->chunks[i].n > 0; i++) {
		memcpy(to + at, "sndD", 4);
		at = put(to, put(to, at + 4, r->chunks[i].at_ms), 32 * r->chunks[i].n);
		memset(to + at, 'a' + (int)i, 32 * r->chunks[i].n);
		at += 32 * r->chunks[i].n;
	}
	memcpy(to + at, "DONE", 4);
	return at + 4;
}

struct notes {
	char text[200];
	char last;
	unsigned run;
};

static void end_run(struct notes *n)
{
	size_t at = strlen(n->text);

	if (n->run > 0)
		(void)snprintf(n->text + at, sizeof n->text - at, "%s%c%u", at > 0 ? " " : "",
		    n->last, n->run / 32);
	n->run = 0;
}

static void note(struct notes *n, const struct timed_piece *p)
{
	char letter = p->kind == TIMED_SILENCE ? '.' : (char)p->bytes[0];

	if (letter != n->last)
		end_run(n);
	n->last = letter;
	n->run += (unsigned)p->n;
}

static void check(const struct row *r, size_t piece)
{
	static uint8_t bytes[1 << 20];
	size_t n = build(bytes, r);
	struct notes notes = { 0 };
	struct timed t;

	timed_init(&t, r->from_first);
	for (size_t at = 0; at < n; at += piece) {
		struct timed_piece p;

		timed_feed(&t, bytes + at, MIN(piece, n - at));
		while ((p = timed_next(&t, 999)).kind != TIMED_NOTHING) {
			assert_int_not_equal(p.kind, TIMED_BROKEN);
			assert_true(p.n > 0 && p.n <= 999);
			note(&notes, &p);
		}
		assert_true(timed_is_empty(&t));
	}
	end_run(&notes);
	assert_string_equal(notes.text, r->want);
}

static void test_row(void **state)
{
	for (size_t piece = 1; piece < 40; piece += 3)
		check(*state, piece);
	check(*state, 1 << 20);
}

static void what_is_no_such_stream_is_told(void **state)
{
	static const char *const bad[] = { "0123456789abcdef",
		"\0\nSMJPEG\0\0\0\0\0\0\0\0HENDvidD        ",
		"\0\nSMJPEG\0\0\0\0\0\0\0\0_TXT\xff\xff\xff\xff" };
	static const size_t sizes[] = { 16, 32, 24 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct timed t;

		timed_init(&t, false);
		timed_feed(&t, bad[i], sizes[i]);
		assert_int_equal(timed_next(&t, 100).kind, TIMED_BROKEN);
		assert_int_equal(timed_next(&t, 100).kind, TIMED_NOTHING);
	}
}

static void a_hole_of_weeks_is_told_before_it_is_filled(void **state)
{
	const struct row r = { "", { { 0, 10 }, { 4000000000u, 10 } }, false, "" };
	uint8_t bytes[1024];
	struct timed t;

	(void)state;
	timed_init(&t, false);
	timed_feed(&t, bytes, build(bytes, &r));
	assert_int_equal(timed_next(&t, 1000).kind, TIMED_AUDIO);
	assert_int_equal(timed_next(&t, 100).kind, TIMED_SILENCE);
	assert_int_equal(timed_channels(&t), 1);
	assert_int_equal(timed_ms(&t), 4000000000u);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest)cmocka_unit_test(what_is_no_such_stream_is_told);
	tests[ARRAY_SIZE(rows) + 1] =
	    (struct CMUnitTest)cmocka_unit_test(a_hole_of_weeks_is_told_before_it_is_filled);
	return cmocka_run_group_tests_name("timed", tests, NULL, NULL);
}
