#define _GNU_SOURCE
#include "engine/pocketsphinx_phrases.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/letter.h"
#include "base/util.h"

/* The grammar is a finite state one in the library's words. A phrase leads from state 0 by states of its own to state 1, where all of
 * them end, and from there it goes on as from the beginning. */
enum { START, END, FIRST_OWN, WORD_BYTES = 256 };

struct grammar {
	ps_decoder_t *ps; /* borrowed */
	FILE *to;         /* the transitions */
	unsigned phrases, states;
	unsigned left_out;
	char missing
	    [WORD_BYTES]; /* the first word that is not in the dictionary; "": none is missing */
};

static bool is_word(ps_decoder_t *ps, const char *word)
{
	char *sounds = strchr("<[+", word[0]) != NULL ? NULL : ps_lookup_word(ps, word);

	free(sounds);
	return sounds != NULL;
}

static void make_small(char *word)
{
	size_t n = strlen(word), bytes;

	for (char *at = word; at < word + n; at += bytes) {
		uint32_t c = letter_at(at, n - (size_t)(at - word), &bytes);

		if (letter_lower(c) != c)
			(void)letter_put(letter_lower(c), at);
	}
}

/* As the dictionary has it. False: it does not, or it is longer than any. */
static bool find_word(ps_decoder_t *ps, const char *at, size_t n, char word[WORD_BYTES])
{
	(void)snprintf(word, WORD_BYTES, "%.*s", (int)MIN(n, (size_t)WORD_BYTES - 1), at);
	if (n < WORD_BYTES && is_word(ps, word))
		return true;
	make_small(word);
	return n < WORD_BYTES && is_word(ps, word);
}

static bool knows_all(struct grammar *g, const char *phrase, size_t n)
{
	char word[WORD_BYTES];

	for (size_t at = 0, bytes; at < n; at += bytes + 1) {
		bytes = strcspn(phrase + at, " \n");
		if (find_word(g->ps, phrase + at, bytes, word))
			continue;
		if (g->missing[0] == '\0')
			memcpy(g->missing, word, sizeof word);
		return false;
	}
	return n > 0;
}

static void add_phrase(struct grammar *g, const char *phrase, size_t n)
{
	unsigned from = START;
	char word[WORD_BYTES];

	for (size_t at = 0, bytes; at < n; at += bytes + 1) {
		unsigned to = END;

		bytes = strcspn(phrase + at, " \n");
		if (at + bytes < n)
			to = g->states++;
		(void)find_word(g->ps, phrase + at, bytes, word);
		(void)fprintf(g->to, "TRANSITION %u %u 1.0 %s\n", from, to, word);
		from = to;
	}
	g->phrases++;
}

static bool is_any_other(const char *phrase, size_t n)
{
	static const char any_other[] = "[unk]";

	return n == sizeof any_other - 1 && memcmp(phrase, any_other, n) == 0;
}

static void add_all(struct grammar *g, const char *phrases)
{
	for (size_t n; *phrases != '\0'; phrases += n + (phrases[n] == '\n')) {
		phrases += strspn(phrases, " ");
		n = strcspn(phrases, "\n");
		if (is_any_other(phrases, n))
			continue;
		if (knows_all(g, phrases, n))
			add_phrase(g, phrases, n);
		else
			g->left_out += n > 0;
	}
}

static void say_what_is_left_out(const struct grammar *g)
{
	if (g->left_out > 0)
		(void)fprintf(stderr,
		    "pocketsphinx: %u of the phrases cannot be heard: the dictionary has no "
		    "\"%s\"%s\n",
		    g->left_out, g->missing, g->left_out > 1 ? ", or another word" : "");
}

static char *write_grammar(const struct grammar *g, const char *transitions)
{
	char *all = NULL;

	if (g->phrases == 0)
		return strdup("");
	if (asprintf(&all,
		"FSG_BEGIN phrases\nNUM_STATES %u\nSTART_STATE %d\nFINAL_STATE %d\n"
		"%sTRANSITION %d %d 1.0\nFSG_END\n",
		g->states, START, END, transitions, END, START) < 0)
		return NULL;
	return all;
}

char *pocketsphinx_phrases_grammar(ps_decoder_t *ps, const char *phrases, struct error *err)
{
	struct grammar g = { .ps = ps, .states = FIRST_OWN };
	char *transitions = NULL, *all = NULL;
	size_t bytes;

	g.to = open_memstream(&transitions, &bytes);
	if (g.to != NULL) {
		add_all(&g, phrases);
		if (fclose(g.to) == 0)
			all = write_grammar(&g, transitions);
	}
	free(transitions);
	if (all == NULL)
		(void)error_set(err, ERROR_SYSTEM, "no memory for the phrases");
	else
		say_what_is_left_out(&g);
	return all;
}
