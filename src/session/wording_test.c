#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/message.h"
#include "session/wording.h"

static const struct wording all_of_it = { true, true, true, true }, upper = { .uppercase = true },
			    stop = { .full_stop = true }, spaces = { .clean_spaces = true },
			    repeats = { .clean_repeats = true };

static struct row {
	const char *name;
	const struct wording *how;
	enum wording_of of;
	const char *text, *told;
} rows[] = {
	{ "a sentence gets its capital and its full stop", &all_of_it, WORDING_WHOLE,
	    "go forward ten meters", "Go forward ten meters." },
	{ "what grows gets no full stop", &all_of_it, WORDING_GROWING, "go forward", "Go forward" },
	{ "what broke off gets none", &all_of_it, WORDING_BROKEN, "go for", "Go for" },
	{ "nothing stays nothing", &all_of_it, WORDING_WHOLE, "", "" },
	{ "blanks alone are nothing", &all_of_it, WORDING_WHOLE, " \t\n", "" },
	{ "who asks for no more may say a thing often", &wording_tidy, WORDING_WHOLE,
	    "a b a b a b a b a b", "A b a b a b a b a b." },
	{ "a capital alone", &upper, WORDING_WHOLE, "go  on", "Go  on" },
	{ "a full stop alone", &stop, WORDING_WHOLE, "go  on", "go  on." },
	{ "spaces alone", &spaces, WORDING_WHOLE, " go \t on\xc2\xa0now\xe3\x80\x80", "go on now" },
	{ "blanks that stay keep the full stop away", &stop, WORDING_WHOLE, "go ", "go " },
	{ "a blank at the beginning that stays", &upper, WORDING_WHOLE, " go", " Go" },
	{ "one full stop is enough", &all_of_it, WORDING_WHOLE, "Go on.", "Go on." },
	{ "a question has its mark", &all_of_it, WORDING_WHOLE, "why?", "Why?" },
	{ "a digit ends a sentence", &all_of_it, WORDING_WHOLE, "room 7", "Room 7." },
	{ "German", &all_of_it, WORDING_WHOLE,
	    "\xc3\xbc"
	    "ber stra\xc3\x9f"
	    "e",
	    "\xc3\x9c"
	    "ber stra\xc3\x9f"
	    "e." },
	{ "Greek", &all_of_it, WORDING_WHOLE, "\xcf\x8e\xcf\x81\xce\xb1",
	    "\xce\x8f\xcf\x81\xce\xb1." },
	{ "Russian", &all_of_it, WORDING_WHOLE, "\xd0\xb4\xd0\xb0", "\xd0\x94\xd0\xb0." },
	{ "an accent of its own", &stop, WORDING_WHOLE, "cafe\xcc\x81", "cafe\xcc\x81." },
	{ "Korean is left alone", &all_of_it, WORDING_WHOLE, "\xec\x95\x88\xeb\x85\x95",
	    "\xec\x95\x88\xeb\x85\x95" },
	{ "Chinese has a full stop of its own", &all_of_it, WORDING_WHOLE,
	    "\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0\xe5\xa5\xbd" },
	{ "so has Hindi", &all_of_it, WORDING_WHOLE, "\xe0\xa4\xb9\xe0\xa4\xbe\xe0\xa4\x81",
	    "\xe0\xa4\xb9\xe0\xa4\xbe\xe0\xa4\x81" },
	{ "what is no UTF-8 comes through", &all_of_it, WORDING_WHOLE, "\xe9t\xe9 \xa0",
	    "\xe9t\xe9 \xa0" },
	{ "what is written too long is no letter", &all_of_it, WORDING_WHOLE,
	    "\xe0\x81\xa1\xe0\x81\xa1", "\xe0\x81\xa1\xe0\x81\xa1" },
	{ "who says no three times is heard", &all_of_it, WORDING_WHOLE, "no no no", "No no no." },
	{ "so is who stammers", &repeats, WORDING_WHOLE, "the the the the the the end",
	    "the the the the the the end" },
	{ "a word is told six times", &repeats, WORDING_WHOLE, "a x x x x x x x x x b",
	    "a x x x x x x b" },
	{ "a phrase is told three times", &repeats, WORDING_WHOLE,
	    "so I am here I am here I am here I am here I am here now",
	    "so I am here I am here I am here now" },
	{ "what begins like it is told when it is something else", &repeats, WORDING_GROWING,
	    "go on go on go on go back", "go on go on go on go back" },
	{ "... and not before", &repeats, WORDING_GROWING, "go on go on go on go",
	    "go on go on go on" },
	{ "... but at the end it has been said", &repeats, WORDING_WHOLE, "go on go on go on go",
	    "go on go on go on go" },
	{ "digits may be said as often as anybody likes", &repeats, WORDING_WHOLE,
	    "0 0 0 0 0 0 0 0 1 2 1 2 1 2 1 2 1 2", "0 0 0 0 0 0 0 0 1 2 1 2 1 2 1 2 1 2" },
	{ "a circle with a circle in it", &repeats, WORDING_WHOLE,
	    "b x x x x x x x x b x x x x x x x b x x x x x x b x x x x x x x b x x x x x x",
	    "b x x x x x x b x x x x x x b x x x x x x" },
	{ "a phrase of thirteen words is no circle", &repeats, WORDING_WHOLE,
	    "a b c d e f g h i j k l m a b c d e f g h i j k l m a b c d e f g h i j k l m a b c d "
	    "e f g h i j k l m",
	    "a b c d e f g h i j k l m a b c d e f g h i j k l m a b c d e f g h i j k l m a b c d "
	    "e f g h i j k l m" },
	{ "with other spaces between", &all_of_it, WORDING_WHOLE, "go  on go on  go on go on now",
	    "Go on go on go on now." },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct worded w;

	wording_make(r->how, r->of, r->text, strlen(r->text), &w);
	assert_int_equal(w.bytes, strlen(r->told));
	assert_memory_equal(w.text, r->told, w.bytes);
	worded_done(&w);
}

static void test_places(void **state)
{
	static const char text[] = " go  on go on go on go on go";
	static const struct {
		size_t at, place;
	} want[] = { { 0, 0 }, { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 7, 5 }, { 19, 17 },
		{ 22, 17 }, { 25, 17 }, { 28, 17 } };
	struct worded w;

	(void)state;
	wording_make(&all_of_it, WORDING_GROWING, text, strlen(text), &w);
	assert_int_equal(w.bytes, 17);
	assert_memory_equal(w.text, "Go on go on go on", 17);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(worded_place(&w, want[i].at), want[i].place);
	worded_done(&w);
	assert_int_equal(worded_place(&w, 7), 7);
}

static struct ipc_text text_of(const char *s)
{
	return (struct ipc_text){ s, (uint32_t)strlen(s) };
}

static struct ipc_result result_of(
    const char *text, const char *const *words, uint16_t n, struct ipc_word *room)
{
	struct ipc_result r = { .text = text_of(text), .words = room, .words_n = n };

	for (uint32_t i = 0; i < n; i++)
		room[i] = (struct ipc_word){
			.text = text_of(words[i]), .start_ms = 100 * i, .end_ms = 100 * i + 90
		};
	return r;
}

static void assert_text(struct ipc_text text, const char *want)
{
	assert_int_equal(text.length, strlen(want));
	assert_memory_equal(text.bytes, want, text.length);
}

static void test_words_are_spelled_as_in_the_text(void **state)
{
	static const char *const words[] = { "go", "on", "go", "on", "go", "on", "go", "on",
		"now" };
	struct ipc_word room[9];
	struct ipc_result r = result_of("go on go on go on go on now", words, 9, room);
	struct worded w;

	(void)state;
	wording_result(&all_of_it, WORDING_WHOLE, &r, &w);
	assert_text(r.text, "Go on go on go on now.");
	assert_int_equal(r.words_n, 7);
	assert_text(r.words[0].text, "Go");
	assert_text(r.words[5].text, "on");
	assert_int_equal(r.words[5].start_ms, 500);
	assert_text(r.words[6].text, "now.");
	assert_int_equal(r.words[6].start_ms, 800);
	worded_done(&w);
}

static void test_words_that_are_others_stay(void **state)
{
	static const char *const words[] = { "x x x x", "x x x x x" };
	struct ipc_word room[2];
	struct ipc_result r = result_of("x x x x x x x x x", words, 2, room);
	struct worded w;

	(void)state;
	wording_result(&all_of_it, WORDING_WHOLE, &r, &w);
	assert_text(r.text, "X x x x x x x x x.");
	assert_int_equal(r.words_n, 2);
	assert_text(r.words[1].text, "x x x x x");
	worded_done(&w);
}

static void test_raw_is_what_the_engine_wrote(void **state)
{
	static const char *const words[] = { "go" };
	static const struct wording raw = { .uppercase = false };
	struct ipc_word room[1];
	struct ipc_result r = result_of(" go ", words, 1, room);
	struct worded w;

	(void)state;
	wording_result(&raw, WORDING_WHOLE, &r, &w);
	assert_text(r.text, " go ");
	assert_text(r.words[0].text, "go");
	assert_null(w.text);
	worded_done(&w);
}

/* ---- whatever is said ---- */

enum { TEXTS = 20000, TEXT_MAX = 200 };

static uint32_t seed = 7;

static uint32_t any(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static size_t any_text(char *to)
{
	static const char *const some[] = { "a", "b", "a", "b", "c", "\xc3\xa9", "\xea\xb0\x80",
		"\xd1\x8f", "7", ".", " ", " ", " ", "  ", "\xc2\xa0", "\xe3\x80\x80", "\xff" };
	size_t n = 0, few = any(2) == 0 ? 2 : ARRAY_SIZE(some), most = 1 + any(60);

	for (size_t i = 0; i < most; i++) {
		const char *s = some[any((uint32_t)few)];

		n += (size_t)snprintf(to + n, TEXT_MAX - n, "%s%s", s, few == 2 ? " " : "");
	}
	return n;
}

static struct wording any_wording(void)
{
	return any(2) == 0 ? all_of_it
			   : (struct wording){ any(2) == 0, any(2) == 0, any(2) == 0, any(2) == 0 };
}

static void test_twice_is_as_once(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	for (int i = 0; i < TEXTS; i++) {
		struct wording how = any_wording();
		size_t n = any_text(text);
		struct worded once, twice;

		wording_make(&how, WORDING_WHOLE, text, n, &once);
		wording_make(&how, WORDING_WHOLE, once.text, once.bytes, &twice);
		assert_int_equal(once.bytes, twice.bytes);
		assert_memory_equal(once.text, twice.text, once.bytes);
		worded_done(&once);
		worded_done(&twice);
	}
}

/* What was told of a text that grows by whole words is the beginning of what is told next, and of the whole. */
static void test_what_was_told_stands(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	for (int i = 0; i < TEXTS; i++) {
		size_t n = any_text(text), told = 0;
		struct wording how = any_wording();
		struct worded all, some;

		how.full_stop = false;
		wording_make(&how, WORDING_WHOLE, text, n, &all);
		for (size_t k = 0; k < all.words_n; k++) {
			wording_make(&how, WORDING_GROWING, text, all.words[k].to, &some);
			assert_true(some.bytes >= told && some.bytes <= all.bytes);
			assert_memory_equal(some.text, all.text, some.bytes);
			assert_int_equal(worded_place(&some, all.words[k].to), some.bytes);
			told = some.bytes;
			worded_done(&some);
		}
		worded_done(&all);
	}
}

static void test_a_word_stays_a_word(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	for (int i = 0; i < TEXTS; i++) {
		struct wording how = any_wording();
		size_t n = any_text(text), at = 0;
		struct worded w;

		wording_make(&how, any(3), text, n, &w);
		assert_true(w.words_n == 0 || w.bytes > 0);
		for (size_t k = 0; k <= n; k++) {
			size_t place = worded_place(&w, k);

			assert_true(place >= at && place <= w.bytes);
			at = place;
		}
		worded_done(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_words_are_spelled_as_in_the_text),
		cmocka_unit_test(test_words_that_are_others_stay),
		cmocka_unit_test(test_raw_is_what_the_engine_wrote),
		cmocka_unit_test(test_twice_is_as_once),
		cmocka_unit_test(test_what_was_told_stands),
		cmocka_unit_test(test_a_word_stays_a_word),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(rows)];

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("wording", all, NULL, NULL);
}
