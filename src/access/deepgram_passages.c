#include "access/deepgram_passages.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "access/deepgram_event.h"
#include "access/json_text.h"
#include "base/buffer.h"
#include "session/session.h"

/* Of paragraphs. */
enum { SENTENCES_MAX = 5, PARAGRAPH_PAUSE_MS = 2000 };

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* Before thing i of a list. */
static unsigned pause_ms(const json_t *all, size_t i)
{
	double s =
	    number(json_array_get(all, i), "start") - number(json_array_get(all, i - 1), "end");

	return s > 0 ? (unsigned)(s * 1000 + 0.5) : 0;
}

static void append_text(struct buffer *b, const char *between, const json_t *text)
{
	if (b->len > 0)
		(void)buffer_append(b, between, strlen(between));
	(void)buffer_append(b, json_string_value(text), json_string_length(text));
}

static json_t *text_of(const struct buffer *b)
{
	return json_text_of(b->len == 0 ? "" : (const char *)buffer_head(b), b->len);
}

json_t *deepgram_passage_of(const struct session_event *e)
{
	const struct session_word *w = e->final.words;
	size_t n = e->final.words_n;

	return json_pack("{s:o,s:o,s:o,s:I,s:o}", "start",
	    json_text_seconds(n > 0 ? w[0].start_ms : e->final.start_ms), "end",
	    json_text_seconds(n > 0 ? w[n - 1].end_ms : e->final.end_ms), "text",
	    json_text_of(e->final.text, e->final.text_bytes), "words", (json_int_t)n, "confidence",
	    json_text_confidence(e->final.confidence));
}

/* ---- utterances ---- */

static json_t *utterance_of(const json_t *from, const json_t *to, unsigned channel,
    json_t *confidence, json_t *transcript, json_t *words)
{
	char id[DEEPGRAM_ID_BYTES];

	deepgram_id_make(id);
	return json_pack("{s:O,s:O,s:o,s:i,s:o,s:o,s:s}", "start", json_object_get(from, "start"),
	    "end", json_object_get(to, "end"), "confidence", confidence, "channel", (int)channel,
	    "transcript", transcript, "words", words, "id", id);
}

static json_t *utterance_of_words(const json_t *all, size_t from, size_t to, unsigned channel)
{
	json_t *words = json_array(), *utterance;
	struct buffer text;
	double sum = 0;

	buffer_init(&text, SIZE_MAX / 2);
	for (size_t i = from; i < to; i++) {
		json_t *word = json_array_get(all, i);

		(void)json_array_append(words, word);
		append_text(&text, " ", json_object_get(word, "word"));
		sum += number(word, "confidence");
	}
	utterance = utterance_of(json_array_get(all, from), json_array_get(all, to - 1), channel,
	    json_text_confidence((float)(sum / (double)(to - from))), text_of(&text), words);
	buffer_done(&text);
	return utterance;
}

static json_t *utterance_of_final(const json_t *final, unsigned channel)
{
	return utterance_of(final, final, channel,
	    json_incref(json_object_get(final, "confidence")),
	    json_incref(json_object_get(final, "text")), json_array());
}

json_t *deepgram_utterances_of(
    const json_t *words, const json_t *finals, unsigned channel, unsigned utt_split_ms)
{
	json_t *all = json_array();
	size_t n = json_array_size(words), from = 0;

	for (size_t i = 0; n == 0 && i < json_array_size(finals); i++)
		(void)json_array_append_new(
		    all, utterance_of_final(json_array_get(finals, i), channel));
	for (size_t i = 1; i <= n; i++) {
		if (i < n && pause_ms(words, i) < utt_split_ms)
			continue;
		(void)json_array_append_new(all, utterance_of_words(words, from, i, channel));
		from = i;
	}
	return all;
}

json_t *deepgram_utterances_merge(json_t *a, json_t *b)
{
	json_t *all = json_array();
	size_t i = 0, j = 0;

	while (i < json_array_size(a) || j < json_array_size(b)) {
		json_t *one = json_array_get(a, i), *other = json_array_get(b, j);
		bool first = other == NULL ||
		    (one != NULL && number(one, "start") <= number(other, "start"));

		(void)json_array_append(all, first ? one : other);
		i += first;
		j += !first;
	}
	json_decref(a);
	json_decref(b);
	return all;
}

/* ---- paragraphs ---- */

static json_t *sentence_of(const json_t *final)
{
	return json_pack("{s:O,s:O,s:O}", "text", json_object_get(final, "text"), "start",
	    json_object_get(final, "start"), "end", json_object_get(final, "end"));
}

static json_t *paragraph_of(const json_t *finals, size_t from, size_t to)
{
	json_t *sentences = json_array();
	json_int_t words = 0;

	for (size_t i = from; i < to; i++) {
		const json_t *final = json_array_get(finals, i);

		(void)json_array_append_new(sentences, sentence_of(final));
		words += json_integer_value(json_object_get(final, "words"));
	}
	return json_pack("{s:o,s:I,s:O,s:O}", "sentences", sentences, "num_words", words, "start",
	    json_object_get(json_array_get(finals, from), "start"), "end",
	    json_object_get(json_array_get(finals, to - 1), "end"));
}

/* The number of the final that begins the next paragraph. */
static size_t end_of_paragraph(const json_t *finals, size_t from)
{
	size_t to = from + 1;

	while (to < json_array_size(finals) && to - from < SENTENCES_MAX &&
	    pause_ms(finals, to) < PARAGRAPH_PAUSE_MS)
		to++;
	return to;
}

json_t *deepgram_paragraphs_of(const json_t *finals)
{
	json_t *paragraphs = json_array(), *all;
	struct buffer text;

	buffer_init(&text, SIZE_MAX / 2);
	for (size_t from = 0, to; from < json_array_size(finals); from = to) {
		to = end_of_paragraph(finals, from);
		(void)json_array_append_new(paragraphs, paragraph_of(finals, from, to));
		for (size_t i = from; i < to; i++)
			append_text(&text, i == from ? "\n\n" : " ",
			    json_object_get(json_array_get(finals, i), "text"));
	}
	all = json_pack("{s:o,s:o}", "transcript", text_of(&text), "paragraphs", paragraphs);
	buffer_done(&text);
	return all;
}
