#include "access/whisperlive_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

enum { SECONDS_BYTES = 32, MS_PER_MINUTE = 60000 };

/* As text, with three decimals, which is what the clients compare. */
static json_t *seconds_of(uint64_t ms)
{
	char text[SECONDS_BYTES];

	(void)snprintf(text, sizeof text, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
	return json_string(text);
}

/* Copies a text that fits; else "". A NUL in it makes it one that does not. */
static void copy_text(const json_t *v, char *out, size_t cap)
{
	size_t n = json_is_string(v) ? json_string_length(v) : 0;

	out[0] = '\0';
	if (n < cap && n > 0 && strlen(json_string_value(v)) == n)
		memcpy(out, json_string_value(v), n + 1);
}

static int read_uid(const json_t *options, struct whisperlive_options *out, struct error *err)
{
	const json_t *uid = json_object_get(options, "uid");

	copy_text(uid, out->uid, sizeof out->uid);
	if (out->uid[0] != '\0')
		return 0;
	if (uid == NULL)
		return error_set(err, ERROR_INVALID,
		    "the options have no \"uid\"; it is a text of 1 to %d bytes",
		    WHISPERLIVE_UID_BYTES - 1);
	return error_set(err, ERROR_INVALID,
	    "\"uid\" must be a text of 1 to %d bytes, without a NUL", WHISPERLIVE_UID_BYTES - 1);
}

static int read_format(const json_t *options, enum encoding *out, struct error *err)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} formats[] = { { "float32", ENCODING_F32LE }, { "int16", ENCODING_S16LE },
		{ "uint8", ENCODING_U8 } };
	const json_t *format = json_object_get(options, "audio_format");
	const char *name = json_is_string(format) ? json_string_value(format) : "";

	*out = ENCODING_F32LE;
	if (format == NULL || json_is_null(format))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(name, formats[i].name) == 0) {
			*out = formats[i].encoding;
			return 0;
		}
	return error_set(err, ERROR_INVALID,
	    "\"audio_format\" must be \"float32\", \"int16\" or \"uint8\", not \"%.*s\"",
	    json_text_whole_characters(name, 40), name);
}

static void read_segments(const json_t *options, unsigned *out)
{
	double n;

	*out = WHISPERLIVE_SEGMENTS;
	if (json_text_number(json_object_get(options, "send_last_n_segments"), &n) && n >= 1)
		*out = (unsigned)MIN(n, (double)WHISPERLIVE_SEGMENTS_MAX);
}

static bool is_on(const json_t *v)
{
	bool on;

	return json_text_flag(v, &on) && on;
}

/* The Python client sends all its options, as null, false or empty where nobody asked for them. */
static bool is_asked_for(const json_t *v)
{
	bool on;

	if (json_text_flag(v, &on))
		return on;
	return json_string_length(v) > 0 || json_array_size(v) > 0 || json_object_size(v) > 0;
}

static void add_unheeded(char out[WHISPERLIVE_UNHEEDED_BYTES], const char *name)
{
	(void)snprintf(out + strlen(out), WHISPERLIVE_UNHEEDED_BYTES - strlen(out), "%s%s",
	    out[0] == '\0' ? "" : ", ", name);
}

static void read_unheeded(const json_t *options, char out[WHISPERLIVE_UNHEEDED_BYTES])
{
	static const char *const names[] = { "enable_diarization", "known_speakers",
		"vad_parameters" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_asked_for(json_object_get(options, names[i])))
			add_unheeded(out, names[i]);
}

void whisperlive_settle_options(struct whisperlive_options *o, unsigned passed_over)
{
	char others[WHISPERLIVE_UNHEEDED_BYTES];

	if ((passed_over & (IPC_TAKES_PROMPT | IPC_TAKES_HOT_WORDS)) == 0)
		return;
	(void)snprintf(others, sizeof others, "%s", o->unheeded);
	o->unheeded[0] = '\0';
	if (o->wanted.hot_words != NULL && (passed_over & IPC_TAKES_HOT_WORDS) != 0)
		add_unheeded(o->unheeded, "hotwords");
	if (o->wanted.prompt != NULL && (passed_over & IPC_TAKES_PROMPT) != 0)
		add_unheeded(o->unheeded, "initial_prompt");
	if (others[0] != '\0')
		add_unheeded(o->unheeded, others);
}

static void take_prompt(const json_t *v, struct wanted *w)
{
	if (json_is_string(v))
		wanted_prompt(w, json_string_value(v), json_string_length(v));
}

static void take_hot_words(const json_t *v, struct wanted *w)
{
	const json_t *word;
	size_t i;

	if (json_is_string(v))
		wanted_hot_words(w, json_string_value(v), json_string_length(v));
	json_array_foreach(v, i, word)
	{
		if (json_is_string(word))
			wanted_hot_words(w, json_string_value(word), json_string_length(word));
	}
}

static void read_wishes(const json_t *options, struct whisperlive_options *out)
{
	const json_t *task = json_object_get(options, "task");
	struct wanted *w = &out->wanted;

	wanted_language(w, out->language[0] == '\0' ? "auto" : out->language);
	take_prompt(json_object_get(options, "initial_prompt"), w);
	take_hot_words(json_object_get(options, "hotwords"), w);
	w->translate = json_is_string(task) && strcmp(json_string_value(task), "translate") == 0;
	out->second_text = is_on(json_object_get(options, "enable_translation"));
}

static int read_options(const json_t *options, struct whisperlive_options *out, struct error *err)
{
	if (read_uid(options, out, err) < 0 || read_format(options, &out->encoding, err) < 0)
		return -1;
	copy_text(json_object_get(options, "language"), out->language, sizeof out->language);
	copy_text(json_object_get(options, "model"), out->model, sizeof out->model);
	read_wishes(options, out);
	out->word_timestamps = is_on(json_object_get(options, "word_timestamps"));
	read_unheeded(options, out->unheeded);
	read_segments(options, &out->segments);
	return 0;
}

int whisperlive_parse(
    const char *text, size_t n, struct whisperlive_options *out, struct error *err)
{
	json_t *options = json_text_read_object(text, n, err);
	int rc;

	memset(out, 0, sizeof *out);
	if (options == NULL)
		return -1;
	rc = read_options(options, out, err);
	json_decref(options);
	return rc;
}

void whisperlive_segments_done(struct whisperlive_segments *s)
{
	json_decref(s->completed);
	json_decref(s->growing);
	s->completed = s->growing = NULL;
}

void whisperlive_note_span(struct whisperlive_segments *s, const struct session_event *e)
{
	struct whisperlive_span *span = &s->spans[e->utterance % WHISPERLIVE_SPANS];

	if (e->kind == SESSION_EVENT_SPEECH_START)
		*span = (struct whisperlive_span){ e->utterance, e->at_ms, 0 };
	else if (span->utterance == e->utterance)
		span->end_ms = e->at_ms;
}

/* The space in front belongs to it: clients put segments together without one. */
static json_t *spaced(const char *text, size_t n)
{
	json_t *plain = json_text_of(text, n);
	json_t *with = json_sprintf(" %s", plain == NULL ? "" : json_string_value(plain));

	json_decref(plain);
	return with;
}

static json_t *words_of(const struct session_event *e)
{
	json_t *words = json_array();

	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];

		(void)json_array_append_new(words,
		    json_pack("{s:o,s:o,s:o,s:o}", "word", spaced(w->text, w->text_bytes), "start",
			seconds_of(w->start_ms), "end", seconds_of(w->end_ms), "probability",
			json_text_confidence(w->confidence)));
	}
	return words;
}

static json_t *segment_of(
    uint64_t start_ms, uint64_t end_ms, const char *text, size_t n, bool completed)
{
	return json_pack("{s:o,s:o,s:o,s:b}", "start", seconds_of(start_ms), "end",
	    seconds_of(MAX(start_ms, end_ms)), "text", spaced(text, n), "completed", completed);
}

void whisperlive_complete(struct whisperlive_segments *s, const struct whisperlive_options *o,
    const struct session_event *e)
{
	uint64_t start_ms = MAX(e->final.start_ms, s->end_ms);
	json_t *segment;

	if (e->final.text_bytes == 0)
		return;
	segment = segment_of(start_ms, e->final.end_ms, e->final.text, e->final.text_bytes, true);
	if (segment == NULL)
		return;
	if (o->word_timestamps)
		(void)json_object_set_new(segment, "words", words_of(e));
	if (e->final.incomplete != NULL)
		(void)json_object_set_new(segment, "incomplete", json_true());
	s->end_ms = MAX(start_ms, e->final.end_ms);
	if (s->completed == NULL)
		s->completed = json_array();
	(void)json_array_append_new(s->completed, segment);
	if (json_array_size(s->completed) > o->segments)
		(void)json_array_remove(s->completed, 0);
}

static json_t *growing(
    const struct whisperlive_segments *s, const struct session_event *e, uint64_t heard_ms)
{
	const struct whisperlive_span *span = &s->spans[e->utterance % WHISPERLIVE_SPANS];
	bool known = span->utterance == e->utterance;
	uint64_t end_ms = known && span->end_ms > 0 ? span->end_ms : heard_ms;

	return segment_of(MAX(known ? span->start_ms : 0, s->end_ms), end_ms, e->partial.text,
	    e->partial.text_bytes, false);
}

static json_t *all_of(const struct whisperlive_segments *s)
{
	return s->completed == NULL ? json_array() : json_copy(s->completed);
}

static json_t *update_of(const struct whisperlive_options *o, json_t *all)
{
	return json_pack("{s:s,s:o}", "uid", o->uid, "segments", all);
}

/* Puts it behind those in `all`, and remembers that it was told. */
static void tell_growing(struct whisperlive_segments *s, json_t *all, json_t *growing)
{
	json_decref(s->growing);
	s->growing = growing;
	(void)json_array_append(all, growing);
}

json_t *whisperlive_segments_of(struct whisperlive_segments *s, const struct whisperlive_options *o,
    const struct session_event *e, uint64_t heard_ms)
{
	json_t *all = all_of(s);

	if (e != NULL && e->partial.text_bytes > 0)
		tell_growing(s, all, growing(s, e, heard_ms));
	if (json_array_size(all) == 0) { /* clients take the last one without looking */
		json_decref(all);
		return NULL;
	}
	return update_of(o, all);
}

static json_t *last_as_growing(json_t *last)
{
	json_t *copy = json_copy(last);

	(void)json_object_set_new(copy, "completed", json_false());
	(void)json_object_del(copy, "words");
	return copy;
}

static json_t *nothing_growing(json_t *kept)
{
	json_t *copy = json_copy(kept);

	(void)json_object_set_new(copy, "text", json_string(""));
	return copy;
}

/* "" for NULL. */
static const char *text_of(const json_t *segment)
{
	const char *text = json_string_value(json_object_get(segment, "text"));

	return text == NULL ? "" : text;
}

json_t *whisperlive_settle(struct whisperlive_segments *s, const struct whisperlive_options *o)
{
	size_t n = json_array_size(s->completed);
	json_t *last = n == 0 ? NULL : json_array_get(s->completed, n - 1);
	json_t *all;

	if (s->growing == NULL || strcmp(text_of(s->growing), text_of(last)) == 0)
		return NULL;
	all = all_of(s);
	if (n > 0)
		(void)json_array_remove(all, n - 1);
	tell_growing(s, all, n > 0 ? last_as_growing(last) : nothing_growing(s->growing));
	return update_of(o, all);
}

/* The Python client keeps what it hears from this backend only. */
json_t *whisperlive_ready(const char *uid)
{
	return json_pack(
	    "{s:s,s:s,s:s}", "uid", uid, "message", "SERVER_READY", "backend", "faster_whisper");
}

/* No engine says how sure it is. */
json_t *whisperlive_language(const char *uid, const char *language)
{
	return json_pack("{s:s,s:s,s:f}", "uid", uid, "language", language, "language_prob", 1.0);
}

void whisperlive_options_done(struct whisperlive_options *o)
{
	wanted_done(&o->wanted);
}

json_t *whisperlive_disconnect(const char *uid)
{
	return json_pack("{s:s,s:s}", "uid", uid, "message", "DISCONNECT");
}

json_t *whisperlive_wait(const char *uid, uint64_t wait_ms)
{
	return json_pack("{s:s,s:s,s:f}", "uid", uid, "status", "WAIT", "message",
	    (double)wait_ms / MS_PER_MINUTE);
}

json_t *whisperlive_status(const char *uid, const char *status, const char *message)
{
	return json_pack("{s:s,s:s,s:o}", "uid", uid, "status", status, "message",
	    json_text_of(message, strlen(message)));
}
