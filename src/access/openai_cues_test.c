#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "access/openai_cues.h"
#include "base/util.h"

enum { WORDS_MAX = 256 };

/* "0-300 go" is a word; where none is given the final lasts from 1000 to 9000. */
static struct row {
	const char *name, *text, *words, *want;
} rows[] = {
	{ "what is short is one, with the times of its words", "go forward",
	    "1200-1500 go, 1500-1900 forward", "1200-1900 [go forward]\n" },
	{ "what lasts too long is cut", "one two three",
	    "0-3000 one, 3000-6000 two, 6000-9000 three", "0-6000 [one two]\n6000-9000 [three]\n" },
	{ "in the second half of it, where it paused", "a b c d e",
	    "0-1000 a, 1500-2000 b, 2000-4000 c, 4400-6000 d, 6000-9000 e",
	    "0-4000 [a b c]\n4400-9000 [d e]\n" },
	{ "a word that lasts long is never cut", "one two", "0-9000 one, 9000-9500 two",
	    "0-9000 [one]\n9000-9500 [two]\n" },
	{ "two are one where together they last just as long as may be", "one two",
	    "0-100 one, 6900-7000 two", "0-7000 [one two]\n" },
	{ "signs go with the word before them", "\"Go on, \xc3\xa9mile!\" he said.",
	    "0-100 Go, 100-7100 on, 7100-7200 \xc3\xa9mile, 7200-7300 he, 7300-7400 said",
	    "0-100 [\"Go]\n100-7100 [on,]\n7100-7400 [\xc3\xa9mile!\" he said.]\n" },
	{ "the text's own blanks are kept inside and not around", "  one  two ",
	    "0-100 one, 100-200 two", "0-200 [one  two]\n" },
	{ "times that run backwards do not overlap", "one two", "0-9000 one, 8000-8500 two",
	    "0-9000 [one]\n9000-9000 [two]\n" },
	{ "without words it is spoken evenly", "a bb ccc dddd eeee", "",
	    "1000-6777 [a bb ccc dddd]\n7222-9000 [eeee]\n" },
	{ "words of another text tell when it began and ended", "one two",
	    "2000-3000 uno, 3000-4000 dos", "2000-4000 [one two]\n" },
	{ "nothing is nothing", "", "", "" },
};

struct heard {
	struct session_word words[WORDS_MAX];
	struct session_event final;
	char want[4096];
};

static void take_words(struct heard *h, const char *words)
{
	while (*words != '\0') {
		struct session_word *w = &h->words[h->final.final.words_n++];
		int at = 0;

		assert_int_equal(
		    sscanf(words, "%" SCNu64 "-%" SCNu64 " %n", &w->start_ms, &w->end_ms, &at), 2);
		w->text = words + at;
		w->text_bytes = strcspn(w->text, ",");
		words = w->text + w->text_bytes;
		words += strspn(words, ", ");
	}
	h->final.final.words = h->words;
}

static int add(void *arg, const struct openai_cue *cue)
{
	struct heard *h = arg;
	size_t n = strlen(h->want);

	(void)snprintf(h->want + n, sizeof h->want - n, "%" PRIu64 "-%" PRIu64 " [%.*s]\n",
	    cue->start_ms, cue->end_ms, (int)(cue->to - cue->from),
	    h->final.final.text + cue->from);
	return 0;
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct heard h = { .final.final = { .text = r->text,
			       .text_bytes = strlen(r->text),
			       .start_ms = 1000,
			       .end_ms = 9000 } };

	take_words(&h, r->words);
	assert_int_equal(openai_cues_of(&h.final, add, &h), 0);
	assert_string_equal(h.want, r->want);
}

struct lengths {
	size_t n, most, bytes;
};

static int measure(void *arg, const struct openai_cue *cue)
{
	struct lengths *l = arg;

	l->n++;
	l->most = MAX(l->most, cue->to - cue->from);
	l->bytes += cue->to - cue->from;
	return 0;
}

static void test_letters(void **state)
{
	char text[2000], runs[2000];
	struct session_event e = { .final = { .text = text, .end_ms = 1000 } };
	struct lengths l = { 0 };

	(void)state;
	for (int i = 0; i < 200; i++)
		memcpy(text + 10 * i, "four five ", 10);
	e.final.text_bytes = sizeof text;
	assert_int_equal(openai_cues_of(&e, measure, &l), 0);
	assert_true(l.most <= OPENAI_CUE_LETTERS && l.most > OPENAI_CUE_LETTERS - 10);
	memset(&l, 0, sizeof l);
	for (size_t i = 0; i + 1 < sizeof runs; i += 2)
		memcpy(runs + i, "\xc3\xa9", 2); /* a letter of two bytes, with no blank at all */
	e.final.text = runs;
	assert_int_equal(openai_cues_of(&e, measure, &l), 0);
	assert_int_equal(l.most, (size_t)2 * OPENAI_CUE_LETTERS);
	assert_int_equal(l.bytes, sizeof runs);
	assert_int_equal(l.n, (1000 + OPENAI_CUE_LETTERS - 1) / OPENAI_CUE_LETTERS);
}

static int refuse(void *arg, const struct openai_cue *cue)
{
	(void)arg;
	(void)cue;
	return -1;
}

static void test_refused(void **state)
{
	const struct session_event e = { .final = { .text = "one", .text_bytes = 3 } };

	(void)state;
	assert_int_equal(openai_cues_of(&e, refuse, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		{ "no cue has more letters than may be, with blanks or without", test_letters, NULL,
		    NULL, NULL },
		{ "what cannot be taken is told", test_refused, NULL, NULL, NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];

	memcpy(tests, others, sizeof others);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[ARRAY_SIZE(others) + i] =
		    (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("openai_cues", tests, NULL, NULL);
}
