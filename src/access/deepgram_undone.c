#include "access/deepgram_undone.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

enum { SHOWN_BYTES = 40 }; /* of a value in a sentence */

enum asking {
	BOOLEAN, /* asked for by true; anything but true and false is refused */
	ANY,     /* by any value but "" and false */
	MANY,    /* by a number over 1 */
	OLD,     /* by anything but "latest" */
	HARMFUL, /* as ANY, and refused */
};

static const struct undone {
	const char *name;
	enum asking asking;
	const char *why;
} all[] = {
	{ "alternatives", MANY, "there is one transcript" },
	{ "analyze_sentiment", ANY, "the text is not analysed" },
	{ "callback", HARMFUL,
	    "this server calls nobody back; without callback the answer is given here" },
	{ "callback_method", ANY, "this server calls nobody back" },
	{ "custom_intent", ANY, "the text is not analysed" },
	{ "custom_intent_mode", ANY, "the text is not analysed" },
	{ "custom_topic", ANY, "the text is not analysed" },
	{ "custom_topic_mode", ANY, "the text is not analysed" },
	{ "detect_entities", BOOLEAN, "the text is not analysed" },
	{ "detect_topics", ANY, "the text is not analysed" },
	{ "diarize", BOOLEAN, "speakers are not told apart" },
	{ "diarize_model", ANY, "speakers are not told apart" },
	{ "diarize_version", ANY, "speakers are not told apart" },
	{ "dictation", BOOLEAN, "spoken punctuation stays a word" },
	{ "filler_words", BOOLEAN, "whether there are filler words is the recogniser's choice" },
	{ "intents", ANY, "the text is not analysed" },
	{ "language_hint", ANY, "the language is the pool's" },
	{ "measurements", BOOLEAN, "measurements are written as they are spoken" },
	{ "ner", ANY, "the text is not analysed" },
	{ "numerals", BOOLEAN, "numbers are written as they are spoken" },
	{ "profanity_filter", BOOLEAN, "no word is left out or replaced" },
	{ "redact", HARMFUL,
	    "this server redacts nothing, and would answer with what was to be kept out" },
	{ "replace", ANY, "no word is replaced" },
	{ "search", ANY, "nothing is searched for" },
	{ "sentiment", ANY, "the text is not analysed" },
	{ "summarize", ANY, "the text is not analysed" },
	{ "tier", ANY, "the recogniser is the pool's" },
	{ "topics", ANY, "the text is not analysed" },
	{ "translate", ANY, "nothing is translated" },
	{ "version", OLD, "the recogniser is the pool's" },
};

static const struct undone *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strcasecmp(name, all[i].name) == 0)
			return &all[i];
	return NULL;
}

static bool is_asked(const struct undone *u, const char *value)
{
	switch (u->asking) {
	case MANY:
		return strcmp(value, "1") != 0;
	case OLD:
		return strcasecmp(value, "latest") != 0;
	case BOOLEAN:
	case ANY:
	case HARMFUL:
	default:
		return *value != '\0' && strcasecmp(value, "false") != 0;
	}
}

static bool is_boolean(const char *value)
{
	return strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0;
}

enum deepgram_undone deepgram_undone_read(
    const char *name, const char *value, const char **why_out, struct error *err)
{
	const struct undone *u = find(name);

	if (u == NULL)
		return DEEPGRAM_UNDONE_OTHER;
	if (u->asking == BOOLEAN && !is_boolean(value)) {
		(void)error_set(err, ERROR_INVALID, "%s is '%.*s'; allowed is true or false",
		    u->name, json_text_whole_characters(value, SHOWN_BYTES), value);
		return DEEPGRAM_UNDONE_REFUSED;
	}
	if (!is_asked(u, value))
		return DEEPGRAM_UNDONE_NOT_ASKED;
	if (u->asking == HARMFUL) {
		(void)error_set(err, ERROR_INVALID, "%s: %s", u->name, u->why);
		return DEEPGRAM_UNDONE_REFUSED;
	}
	*why_out = u->why;
	return DEEPGRAM_UNDONE_ASKED;
}
