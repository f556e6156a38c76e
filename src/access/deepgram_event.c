#define _GNU_SOURCE
#include "access/deepgram_event.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/deepgram_query.h"
#include "access/json_text.h"
#include "access/language.h"
#include "base/error.h"
#include "base/letter.h"
#include "base/util.h"

enum { UUID_BYTES = 16 };

/* RFC 9562; version 4 is random, 8 is whatever its maker has made it of. */
static void write_uuid(uint8_t b[UUID_BYTES], unsigned version, char out[DEEPGRAM_ID_BYTES])
{
	size_t n = 0;

	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (unsigned i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		n += (size_t)snprintf(out + n, DEEPGRAM_ID_BYTES - n, "%02x", b[i]);
	}
}

void deepgram_id_make(char out[DEEPGRAM_ID_BYTES])
{
	uint8_t random[UUID_BYTES] = { 0 };

	(void)RAND_bytes(random, sizeof random); /* an id, no secret */
	write_uuid(random, 4, out);
}

static void make_model_id(const char *model, char out[DEEPGRAM_ID_BYTES])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };

	(void)EVP_Digest(model, strlen(model), digest, NULL, EVP_sha256(), NULL);
	write_uuid(digest, 8, out);
}

static void write_now(char out[DEEPGRAM_TIME_BYTES])
{
	struct timespec now;
	struct tm utc;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	n = strftime(out, DEEPGRAM_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(
	    out + n, DEEPGRAM_TIME_BYTES - n, ".%03uZ", (unsigned)(now.tv_nsec / 1000000) % 1000);
}

void deepgram_about_init(struct deepgram_about *a, const char *model, unsigned channels)
{
	*a = (struct deepgram_about){ .model = model, .channels = channels };
	deepgram_id_make(a->request_id);
	make_model_id(model, a->model_id);
	write_now(a->created);
}

void deepgram_about_language(
    struct deepgram_about *a, const struct language_pool *pool, const char *asked)
{
	language_told(NULL, pool, a->language);
	(void)language_word_other(pool, asked, &a->other);
}

/* In small letters and without what stands around it; to be freed. */
static char *plain_of(const struct session_word *w, size_t *n_out)
{
	char *plain = xcalloc(w->text_bytes + 1, 1);
	size_t n = 0, kept = 0;

	for (size_t at = 0, bytes; at < w->text_bytes; at += bytes) {
		uint32_t c = letter_at(w->text + at, w->text_bytes - at, &bytes);
		bool is_mark = letter_is_punctuation(c);

		if (is_mark && n == 0)
			continue;
		memcpy(plain + n, w->text + at, bytes);
		if (letter_lower(c) != c && bytes > (c >= 0x80))
			(void)letter_put(letter_lower(c), plain + n);
		n += bytes;
		if (!is_mark)
			kept = n;
	}
	*n_out = kept;
	return plain;
}

static json_t *plain_word_of(const struct session_word *w)
{
	size_t n;
	char *plain = plain_of(w, &n);
	json_t *text = n > 0 ? json_text_of(plain, n) : json_text_of(w->text, w->text_bytes);

	free(plain);
	return text;
}

static json_t *word_of(const struct session_word *w, bool formatted)
{
	json_t *word = json_pack("{s:o,s:o,s:o,s:o}", "word",
	    formatted ? plain_word_of(w) : json_text_of(w->text, w->text_bytes), "start",
	    json_text_seconds(w->start_ms), "end", json_text_seconds(w->end_ms), "confidence",
	    json_text_confidence(w->confidence));

	if (word != NULL && formatted)
		(void)json_object_set_new(
		    word, "punctuated_word", json_text_of(w->text, w->text_bytes));
	return word;
}

json_t *deepgram_words_of(const struct session_word *words, size_t n, bool formatted)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(all, word_of(&words[i], formatted));
	return all;
}

static json_t *model_info_of(const struct deepgram_about *a)
{
	return json_pack("{s:s,s:s,s:s}", "name", a->model, "version", "1", "arch", "stenopool");
}

static json_t *channel_of(const struct deepgram_about *a, const struct deepgram_result *r)
{
	return json_pack("{s:[{s:o,s:o,s:o}]}", "alternatives", "transcript",
	    json_text_of(r->text, r->text_bytes), "confidence", json_text_confidence(r->confidence),
	    "words", deepgram_words_of(r->words, r->words_n, a->formatted));
}

json_t *deepgram_results_of(const struct deepgram_about *a, const struct deepgram_result *r)
{
	json_t *metadata = json_pack("{s:s,s:o,s:s}", "request_id", a->request_id, "model_info",
	    model_info_of(a), "model_uuid", a->model_id);
	json_t *results = json_pack("{s:s,s:[i,i],s:o,s:o,s:b,s:b,s:o,s:o,s:b}", "type", "Results",
	    "channel_index", (int)r->channel, (int)a->channels, "duration",
	    json_text_seconds(r->end_ms - r->start_ms), "start", json_text_seconds(r->start_ms),
	    "is_final", (int)r->is_final, "speech_final", (int)r->speech_final, "channel",
	    channel_of(a, r), "metadata", metadata, "from_finalize", (int)r->from_finalize);

	if (r->incomplete)
		(void)json_object_set_new(results, "incomplete", json_true());
	return results;
}

json_t *deepgram_utterance_end_of(
    const struct deepgram_about *a, unsigned channel, uint64_t last_word_end_ms)
{
	return json_pack("{s:s,s:[i,i],s:o}", "type", "UtteranceEnd", "channel", (int)channel,
	    (int)a->channels, "last_word_end", json_text_seconds(last_word_end_ms));
}

json_t *deepgram_speech_started_of(const struct deepgram_about *a, unsigned channel, uint64_t at_ms)
{
	return json_pack("{s:s,s:[i,i],s:o}", "type", "SpeechStarted", "channel", (int)channel,
	    (int)a->channels, "timestamp", json_text_seconds(at_ms));
}

static void add_extra(json_t *extra, const char *label)
{
	const char *colon = strchr(label, ':');
	size_t n = colon == NULL ? strlen(label) : (size_t)(colon - label);
	json_t *key = json_text_of(label, n); /* what is not UTF-8 is made so */
	const char *value = colon == NULL ? "" : colon + 1;

	(void)json_object_set_new(
	    extra, json_string_value(key), json_text_of(value, strlen(value)));
	json_decref(key);
}

static void add_labels(json_t *metadata, const struct deepgram_query *q)
{
	json_t *tags = json_array(), *extra = json_object();

	for (size_t at = 0; at < q->labels_n; at += strlen(q->labels + at) + 1) {
		const char *label = q->labels + at + 1;

		if (q->labels[at] == 't')
			(void)json_array_append_new(tags, json_text_of(label, strlen(label)));
		else
			add_extra(extra, label);
	}
	if (json_array_size(tags) > 0)
		(void)json_object_set(metadata, "tags", tags);
	if (json_object_size(extra) > 0)
		(void)json_object_set(metadata, "extra", extra);
	json_decref(tags);
	json_decref(extra);
}

static json_t *warning_of(const char *parameter, const char *why)
{
	char message[160];

	(void)snprintf(message, sizeof message, "%s has no effect here: %s", parameter, why);
	return json_pack("{s:s,s:s,s:s}", "parameter", parameter, "type", "unsupported_parameter",
	    "message", message);
}

static json_t *warning_of_language(const struct error *why)
{
	return json_pack("{s:s,s:s,s:s}", "parameter", "language", "type", "unsupported_language",
	    "message", why->text);
}

static void add_warnings(json_t *metadata, const struct deepgram_about *a)
{
	const struct deepgram_query *q = a->query;
	json_t *all = json_array();
	char more[60];

	for (unsigned i = 0; i < q->warnings_n; i++)
		(void)json_array_append_new(
		    all, warning_of(q->warnings[i].parameter, q->warnings[i].why));
	(void)snprintf(more, sizeof more, "there are %u of them", q->warnings_more);
	if (q->warnings_more > 0)
		(void)json_array_append_new(all, warning_of("the rest", more));
	if (a->other.text[0] != '\0')
		(void)json_array_append_new(all, warning_of_language(&a->other));
	if (json_array_size(all) > 0)
		(void)json_object_set(metadata, "warnings", all);
	json_decref(all);
}

void deepgram_write_headers(const struct deepgram_about *a, char out[DEEPGRAM_HEADERS_BYTES])
{
	const struct deepgram_query *q = a->query;
	bool other;
	size_t n =
	    (size_t)snprintf(out, DEEPGRAM_HEADERS_BYTES, "dg-request-id: %s\r\n", a->request_id);

	if (q == NULL)
		return;
	other = a->other.text[0] != '\0';
	if (q->warnings_n == 0 && !other)
		return;
	n += (size_t)snprintf(out + n, DEEPGRAM_HEADERS_BYTES - n, "dg-warning: no effect:");
	for (unsigned i = 0; i < q->warnings_n; i++)
		n += (size_t)snprintf(out + n, DEEPGRAM_HEADERS_BYTES - n, "%s %s",
		    i > 0 ? "," : "", q->warnings[i].parameter);
	(void)snprintf(out + n, DEEPGRAM_HEADERS_BYTES - n, "%s\r\n",
	    !other                  ? ""
		: q->warnings_n > 0 ? ", language"
				    : " language");
}

json_t *deepgram_metadata_of(
    const struct deepgram_about *a, const char *sha256, uint64_t duration_ms)
{
	json_t *metadata = json_pack("{s:s,s:s,s:s,s:s,s:o,s:i,s:[s],s:{s:o}}", "transaction_key",
	    "deprecated", "request_id", a->request_id, "sha256", sha256, "created", a->created,
	    "duration", json_text_seconds(duration_ms), "channels", (int)a->channels, "models",
	    a->model_id, "model_info", a->model_id, model_info_of(a));

	if (metadata != NULL && a->query != NULL) {
		add_labels(metadata, a->query);
		add_warnings(metadata, a);
	}
	return metadata;
}

json_t *deepgram_configured_of(const struct deepgram_about *a, bool keyterms)
{
	json_t *m = json_pack("{s:s,s:s}", "type", "ConfigureSuccess", "request_id", a->request_id);

	if (m != NULL && keyterms)
		(void)json_object_set_new(m, "keyterms", json_array());
	return m;
}

json_t *deepgram_not_configured_of(
    const struct deepgram_about *a, const char *code, const struct error *why)
{
	return json_pack("{s:s,s:s,s:s,s:o}", "type", "ConfigureFailure", "request_id",
	    a->request_id, "code", code, "description", json_text_of(why->text, strlen(why->text)));
}

json_t *deepgram_error_of(const struct error *why)
{
	json_t *text = json_text_of(why->text, strlen(why->text));

	return json_pack("{s:s,s:O,s:o,s:s}", "type", "Error", "description", text, "message", text,
	    "variant", error_code_name(why->code));
}

json_t *deepgram_refusal_of(const char *code, const struct error *why, const char *request_id)
{
	return json_pack("{s:s,s:o,s:s}", "err_code", code, "err_msg",
	    json_text_of(why->text, strlen(why->text)), "request_id", request_id);
}
