#include "access/twilio_text.h"

#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"
#include "net/query.h"

enum { RATE_HZ = 8000, DIGITS_MAX = 15, PRE_ROLL_MAX_MS = 2000 };

static const char *const track_names[TWILIO_TRACKS] = { "inbound", "outbound" };

const char *twilio_track_name(enum twilio_track t)
{
	return track_names[t];
}

static const char *text_in(const json_t *object, const char *field)
{
	return json_string_value(json_object_get(object, field));
}

/* Twilio's numbers are text; those of other senders are not always. */
static bool read_number(const json_t *v, uint64_t *out)
{
	const char *text = json_string_value(v);
	char *end;

	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		*out = (uint64_t)json_integer_value(v);
		return *out < 1000000000000000;
	}
	if (text == NULL || *text < '0' || *text > '9' || strlen(text) > DIGITS_MAX)
		return false;
	*out = strtoull(text, &end, 10);
	return *end == '\0';
}

static int read_track(const char *name, enum twilio_track *out, struct error *err)
{
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		if (name != NULL && strcmp(name, track_names[i]) == 0) {
			*out = (enum twilio_track)i;
			return 0;
		}
	name = name == NULL ? "" : name;
	return error_set(err, ERROR_INVALID, "a track is \"inbound\" or \"outbound\", not \"%.*s\"",
	    json_text_whole_characters(name, 40), name);
}

static int read_sid(const json_t *start, const char *field, const char **out, struct error *err)
{
	const char *sid = text_in(start, field);

	*out = sid == NULL ? "" : sid;
	if (strlen(*out) < TWILIO_SID_BYTES)
		return 0;
	return error_set(
	    err, ERROR_INVALID, "\"%s\" has more than %d bytes", field, TWILIO_SID_BYTES - 1);
}

static int read_tracks(const json_t *start, struct twilio_message *out, struct error *err)
{
	const json_t *tracks = json_object_get(start, "tracks");
	enum twilio_track track;

	for (size_t i = 0; i < json_array_size(tracks); i++) {
		if (read_track(json_string_value(json_array_get(tracks, i)), &track, err) < 0)
			return -1;
		out->start.tracks[track] = true;
	}
	return 0;
}

static int check_format(const json_t *start, struct error *err)
{
	const json_t *format = json_object_get(start, "mediaFormat");
	const char *encoding = text_in(format, "encoding");
	uint64_t rate_hz = RATE_HZ, channels = 1;

	(void)read_number(json_object_get(format, "sampleRate"), &rate_hz);
	(void)read_number(json_object_get(format, "channels"), &channels);
	if ((encoding == NULL || strcmp(encoding, "audio/x-mulaw") == 0) && rate_hz == RATE_HZ &&
	    channels == 1)
		return 0;
	return error_set(err, ERROR_INVALID,
	    "\"mediaFormat\" must be audio/x-mulaw at 8000 Hz with one channel");
}

static bool is_yes(const json_t *v)
{
	const char *text = json_string_value(v);

	return json_is_true(v) || (text != NULL && strcmp(text, "true") == 0);
}

static int read_start(struct twilio_message *out, struct error *err)
{
	const json_t *start = json_object_get(out->json, "start");
	const json_t *custom = json_object_get(start, "customParameters");

	if (!json_is_object(start))
		return error_set(err, ERROR_INVALID, "the event start has no object \"start\"");
	if (read_sid(start, "callSid", &out->start.call_sid, err) < 0 ||
	    read_sid(start, "streamSid", &out->start.stream_sid, err) < 0 ||
	    check_format(start, err) < 0 || read_tracks(start, out, err) < 0)
		return -1;
	out->start.pool = text_in(custom, "pool");
	out->start.key = text_in(custom, "key");
	out->start.inline_transcripts = is_yes(json_object_get(custom, "inline"));
	return 0;
}

static int read_media(struct twilio_message *out, struct error *err)
{
	const json_t *media = json_object_get(out->json, "media");
	const json_t *payload = json_object_get(media, "payload");
	const char *track = text_in(media, "track");

	if (!json_is_string(payload))
		return error_set(
		    err, ERROR_INVALID, "the event media has no text \"media.payload\"");
	out->media.payload = json_string_value(payload);
	out->media.payload_bytes = json_string_length(payload);
	out->media.timed =
	    read_number(json_object_get(media, "timestamp"), &out->media.timestamp_ms);
	return read_track(track == NULL ? "inbound" : track, &out->media.track, err);
}

static enum twilio_kind kind_of(const char *event)
{
	static const char *const names[] = { "start", "media", "stop" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(event, names[i]) == 0)
			return (enum twilio_kind)i;
	return TWILIO_OTHER;
}

int twilio_parse(const char *text, size_t n, struct twilio_message *out, struct error *err)
{
	const char *event;

	memset(out, 0, sizeof *out);
	out->json = json_text_read_object(text, n, err);
	if (out->json == NULL)
		return -1;
	event = text_in(out->json, "event");
	if (event == NULL)
		return error_set(err, ERROR_INVALID, "a message has no text \"event\"");
	out->kind = kind_of(event);
	if (out->kind == TWILIO_START)
		return read_start(out, err);
	return out->kind == TWILIO_MEDIA ? read_media(out, err) : 0;
}

void twilio_message_done(struct twilio_message *m)
{
	json_decref(m->json);
	m->json = NULL;
}

static uint64_t skipped_at(const struct twilio_clock *c, uint64_t ms)
{
	uint64_t skipped_ms = c->skipped_ms;

	for (unsigned i = 0; i < c->gaps_n; i++)
		if (c->gaps[i].at_ms <= ms)
			skipped_ms += c->gaps[i].skipped_ms;
	return skipped_ms;
}

uint64_t twilio_clock_time(const struct twilio_clock *c, uint64_t ms)
{
	return ms + skipped_at(c, ms);
}

/* Counted from within the silence, as an utterance begins a while before its speech. The oldest gap makes room: nothing is told any more of what was before it. */
static void note_skipped(struct twilio_clock *c, uint64_t skipped_ms)
{
	if (c->gaps_n == TWILIO_GAPS) {
		c->skipped_ms += c->gaps[0].skipped_ms;
		memmove(c->gaps, c->gaps + 1, sizeof c->gaps - sizeof c->gaps[0]);
		c->gaps_n--;
	}
	c->gaps[c->gaps_n].at_ms = c->fed_ms - PRE_ROLL_MAX_MS;
	c->gaps[c->gaps_n].skipped_ms = skipped_ms;
	c->gaps_n++;
}

uint64_t twilio_clock_gap(struct twilio_clock *c, uint64_t timestamp_ms)
{
	uint64_t now_ms = twilio_clock_time(c, c->fed_ms), gap_ms, silence_ms;

	if (timestamp_ms < now_ms + TWILIO_JITTER_MS)
		return 0;
	gap_ms = timestamp_ms - now_ms;
	silence_ms = MIN(gap_ms, (uint64_t)TWILIO_SILENCE_MAX_MS);
	c->fed_ms += silence_ms;
	if (gap_ms > silence_ms)
		note_skipped(c, gap_ms - silence_ms);
	return silence_ms;
}

json_t *twilio_mark(const struct twilio_who *who, const char *event)
{
	return json_pack("{s:s,s:s,s:s}", "event", event, "callSid", who->call_sid, "streamSid",
	    who->stream_sid);
}

json_t *twilio_error(const struct twilio_who *who, const struct error *why)
{
	json_t *error = twilio_mark(who, "error");

	(void)json_object_set_new(error, "code", json_string(error_code_name(why->code)));
	(void)json_object_set_new(error, "message", json_text_of(why->text, strlen(why->text)));
	return error;
}

static void set_time(
    json_t *event, const char *field, const struct twilio_clock *clock, uint64_t ms)
{
	(void)json_object_set_new(event, field, json_text_seconds(twilio_clock_time(clock, ms)));
}

static json_t *words_of(const struct twilio_clock *clock, const struct session_event *e)
{
	json_t *words = json_array();

	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];
		json_t *word = json_object();

		(void)json_object_set_new(word, "text", json_text_of(w->text, w->text_bytes));
		set_time(word, "start", clock, w->start_ms);
		set_time(word, "end", clock, w->end_ms);
		(void)json_object_set_new(word, "confidence", json_text_confidence(w->confidence));
		(void)json_array_append_new(words, word);
	}
	return words;
}

static void set_final(
    json_t *event, const struct twilio_clock *clock, const struct session_event *e)
{
	(void)json_object_set_new(event, "text", json_text_of(e->final.text, e->final.text_bytes));
	set_time(event, "start", clock, e->final.start_ms);
	set_time(event, "end", clock, e->final.end_ms);
	(void)json_object_set_new(event, "confidence", json_text_confidence(e->final.confidence));
	(void)json_object_set_new(event, "words", words_of(clock, e));
	if (e->final.incomplete == NULL)
		return;
	(void)json_object_set_new(event, "incomplete", json_true());
	(void)json_object_set_new(event, "message",
	    json_text_of(e->final.incomplete->text, strlen(e->final.incomplete->text)));
}

static json_t *begin_event(const struct twilio_who *who, const struct session_event *e)
{
	switch (e->kind) {
	case SESSION_EVENT_SPEECH_START:
		return twilio_mark(who, "speech_start");
	case SESSION_EVENT_PARTIAL:
		return twilio_mark(who, "partial");
	case SESSION_EVENT_FINAL:
		return twilio_mark(who, "transcript");
	case SESSION_EVENT_ERROR:
		return twilio_error(who, e->error.why);
	default:
		return NULL;
	}
}

json_t *twilio_event(const struct twilio_who *who, enum twilio_track track,
    const struct twilio_clock *clock, const struct session_event *e)
{
	json_t *event = begin_event(who, e);

	if (event == NULL)
		return NULL;
	(void)json_object_set_new(event, "track", json_string(twilio_track_name(track)));
	if (e->utterance > 0)
		(void)json_object_set_new(
		    event, "utterance", json_integer((json_int_t)e->utterance));
	if (e->kind == SESSION_EVENT_SPEECH_START)
		set_time(event, "start", clock, e->at_ms);
	else if (e->kind == SESSION_EVENT_PARTIAL)
		(void)json_object_set_new(
		    event, "text", json_text_of(e->partial.text, e->partial.text_bytes));
	else if (e->kind == SESSION_EVENT_FINAL)
		set_final(event, clock, e);
	return event;
}

/* Whether the query has nothing else for this name. */
static bool query_allows(const char *query, const char *name, const char *value)
{
	char asked[TWILIO_SID_BYTES];
	struct query_span s;

	return !query_find(query, name, &s) ||
	    (query_decode(s, QUERY_PLUS_STAYS, asked, sizeof asked) == QUERY_DECODED &&
		strcmp(asked, value) == 0);
}

bool twilio_query_wants(const char *query, const struct twilio_who *who)
{
	return query_allows(query, "callSid", who->call_sid) &&
	    query_allows(query, "streamSid", who->stream_sid);
}
