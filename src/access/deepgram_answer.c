#include "access/deepgram_answer.h"

#include <stdlib.h>
#include <string.h>

#include "access/deepgram_passages.h"
#include "access/deepgram_query.h"
#include "access/json_text.h"
#include "audio/format.h"
#include "session/session.h"

void deepgram_answer_init(struct deepgram_answer *t)
{
	*t = (struct deepgram_answer){ 0 };
	buffer_init(&t->text, SIZE_MAX / 2); /* bounded by the audio */
}

void deepgram_answer_done(struct deepgram_answer *t)
{
	json_decref(t->words);
	json_decref(t->finals);
	buffer_done(&t->text);
	t->words = t->finals = NULL;
}

static int add_text(struct deepgram_answer *t, const struct session_event *e)
{
	if (t->text.len > 0 && buffer_append(&t->text, " ", 1) != 0)
		return -1;
	return buffer_append(&t->text, e->final.text, e->final.text_bytes);
}

int deepgram_answer_add(
    struct deepgram_answer *t, const struct deepgram_about *a, const struct session_event *e)
{
	json_t *words;
	int rc;

	t->incomplete |= e->final.incomplete != NULL;
	if (t->language[0] == '\0')
		memcpy(t->language, e->final.language, sizeof t->language);
	if (e->final.text_bytes == 0)
		return 0;
	if (t->words == NULL)
		t->words = json_array();
	if (t->finals == NULL)
		t->finals = json_array();
	words = deepgram_words_of(e->final.words, e->final.words_n, a->formatted);
	rc = words == NULL || add_text(t, e) != 0 || json_array_extend(t->words, words) != 0 ||
		json_array_append_new(t->finals, deepgram_passage_of(e)) != 0
	    ? -1
	    : 0;
	for (size_t i = 0; i < e->final.words_n; i++)
		t->confidence += (double)e->final.words[i].confidence;
	t->words_n += e->final.words_n;
	json_decref(words);
	return rc;
}

static json_t *array_or_none(json_t *array)
{
	return array == NULL ? json_array() : json_incref(array);
}

static json_t *alternative_of(const struct deepgram_answer *t, const struct deepgram_query *q)
{
	double confidence = t->words_n == 0 ? 0 : t->confidence / (double)t->words_n;
	json_t *alternative = json_pack("{s:o,s:o,s:o}", "transcript",
	    json_text_of(t->text.len == 0 ? "" : (const char *)buffer_head(&t->text), t->text.len),
	    "confidence", json_text_confidence((float)confidence), "words",
	    array_or_none(t->words));

	if (alternative != NULL && q->paragraphs)
		(void)json_object_set_new(
		    alternative, "paragraphs", deepgram_paragraphs_of(t->finals));
	return alternative;
}

/* No engine says how sure it is. */
static void add_detected(json_t *channel, const struct deepgram_answer *t, const char *language)
{
	bool heard = t->language[0] != '\0';

	(void)json_object_set_new(
	    channel, "detected_language", json_string(heard ? t->language : language));
	if (heard)
		(void)json_object_set_new(channel, "language_confidence", json_real(1));
}

static json_t *channel_of(
    const struct deepgram_answer *t, const struct deepgram_query *q, const char *language)
{
	json_t *channel = json_pack("{s:[o]}", "alternatives", alternative_of(t, q));

	if (channel != NULL && language != NULL)
		add_detected(channel, t, language);
	return channel;
}

static json_t *utterances_of(
    const struct deepgram_answer *all, unsigned n, const struct deepgram_query *q)
{
	json_t *utterances = json_array();

	for (unsigned i = 0; i < n; i++)
		utterances = deepgram_utterances_merge(utterances,
		    deepgram_utterances_of(all[i].words, all[i].finals, i, q->utt_split_ms));
	return utterances;
}

char *deepgram_answer_text(const struct deepgram_answer *all, unsigned n,
    const struct deepgram_query *q, const char *language, json_t *metadata)
{
	json_t *channels = json_array(), *results, *body;
	char *text;

	for (unsigned i = 0; i < n; i++)
		(void)json_array_append_new(channels, channel_of(&all[i], q, language));
	results = json_pack("{s:o}", "channels", channels);
	if (results != NULL && q->utterances)
		(void)json_object_set_new(results, "utterances", utterances_of(all, n, q));
	for (unsigned i = 0; i < n; i++)
		if (all[i].incomplete)
			(void)json_object_set_new(results, "incomplete", json_true());
	body = json_pack("{s:o,s:o}", "metadata", metadata, "results", results);
	text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(body);
	return text;
}

static uint8_t *put(uint8_t *at, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*at++ = (uint8_t)(value >> 8 * i);
	return at;
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
	memcpy(at, name, 4);
	return at + 4;
}

static void write_header(uint8_t *at, const struct format *f, uint32_t n)
{
	static const uint8_t tags[ENCODINGS] = {
		[ENCODING_S16LE] = 1,
		[ENCODING_F32LE] = 3,
		[ENCODING_U8] = 1,
		[ENCODING_MULAW] = 7,
		[ENCODING_ALAW] = 6,
		[ENCODING_S24LE] = 1,
		[ENCODING_S32LE] = 1,
	};
	unsigned frame = format_frame_bytes(f);

	at = put(put_name(at, "RIFF"), n + DEEPGRAM_WAV_HEADER_BYTES - 8, 4);
	at = put(put_name(put_name(at, "WAVE"), "fmt "), 16, 4);
	at = put(put(at, tags[f->encoding], 2), f->channels, 2);
	at = put(put(at, f->rate_hz, 4), f->rate_hz * frame, 4);
	at = put(put(at, frame, 2), frame / f->channels * 8, 2);
	(void)put(put_name(at, "data"), n, 4);
}

void deepgram_answer_wav_header(const struct format *f, void *out)
{
	write_header(out, f, UINT32_MAX - DEEPGRAM_WAV_HEADER_BYTES);
}

void *deepgram_answer_wav(const struct format *f, const void *bytes, size_t n, size_t *n_out)
{
	uint8_t *file = n > INT32_MAX ? NULL : malloc(n + DEEPGRAM_WAV_HEADER_BYTES);

	if (file == NULL)
		return NULL;
	write_header(file, f, (uint32_t)n);
	memcpy(file + DEEPGRAM_WAV_HEADER_BYTES, bytes, n);
	*n_out = n + DEEPGRAM_WAV_HEADER_BYTES;
	return file;
}
