#define _GNU_SOURCE
#include "access/stt_fastapi_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "access/json_text.h"
#include "access/stt_stable.h"
#include "audio/endpoint.h"
#include "base/error.h"
#include "base/util.h"

enum { SHOWN_BYTES = 64 };

static const char *const command_names[STT_FASTAPI_COMMANDS] = { "start", "stop", "clear", "ping",
	"metrics" };

static int find_command(const json_t *o, enum stt_fastapi_command *command, struct error *err)
{
	const char *type = json_string_value(json_object_get(o, "type"));

	for (int i = 0; type != NULL && i < STT_FASTAPI_COMMANDS; i++)
		if (strcmp(type, command_names[i]) == 0) {
			*command = (enum stt_fastapi_command)i;
			return 0;
		}
	if (type == NULL)
		type = "None";
	return error_set(err, ERROR_INVALID,
	    "Unknown command: %.*s; there is start, stop, clear, ping and metrics",
	    json_text_whole_characters(type, SHOWN_BYTES), type);
}

int stt_fastapi_read(
    const char *text, size_t n, enum stt_fastapi_command *command, struct error *err)
{
	json_error_t why;
	json_t *o;
	int rc;

	if (json_text_check(text, n, err) < 0)
		return -1;
	o = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (o == NULL)
		return error_set(err, ERROR_INVALID, "Invalid command JSON: %.120s", why.text);
	if (json_is_object(o))
		rc = find_command(o, command, err);
	else
		rc = error_set(err, ERROR_INVALID, "WebSocket commands must be JSON objects.");
	json_decref(o);
	return rc;
}

json_t *stt_fastapi_event(const char *type, const char *session)
{
	return json_pack("{s:s,s:s}", "type", type, "sessionId", session);
}

static void set(json_t *o, const char *key, json_t *value)
{
	if (o == NULL)
		json_decref(value);
	else
		(void)json_object_set_new(o, key, value);
}

void stt_fastapi_stamp(json_t *o, const char *key, double at)
{
	time_t seconds = (time_t)at;
	char name[48], day[32], iso[64];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(
	    iso, sizeof iso, "%s.%06uZ", day, (unsigned)((at - (double)seconds) * 1e6) % 1000000u);
	(void)snprintf(name, sizeof name, "%sIso", key);
	set(o, key, json_real(at));
	set(o, name, json_string(iso));
}

/* Those that the operator has set; a client can set none. */
static json_t *settings(const struct stt_limits *l)
{
	const struct endpoint_config *e = l->endpoint;

	return json_pack("{s:s,s:s,s:i,s:f,s:f,s:f,s:f,s:f,s:f}", "engine", "stenopool", "model",
	    l->pool, "sample_rate", 16000, "silero_sensitivity", e->vad_sensitivity,
	    "post_speech_silence_duration", e->post_silence_ms / 1000.0,
	    "pre_recording_buffer_duration", e->pre_roll_ms / 1000.0, "min_length_of_recording",
	    e->min_utterance_ms / 1000.0, "max_recording_seconds", e->max_utterance_ms / 1000.0,
	    "min_speech_duration", e->min_speech_ms / 1000.0);
}

json_t *stt_fastapi_limits(const struct stt_limits *l)
{
	return json_pack("{s:i,s:i,s:f,s:i}", "maxSessions", (int)l->sessions, "maxActiveSpeakers",
	    (int)l->speakers, "maxAudioQueueSecondsPerSession", l->audio_seconds,
	    "maxGlobalInferenceQueueDepth", (int)l->queue);
}

static json_t *runtime_settings(void)
{
	return json_pack("{s:[],s:[],s:[]}", "activeSessionSafe", "newSessionOnly", "startupOnly");
}

json_t *stt_fastapi_config(const struct stt_limits *l)
{
	return json_pack("{s:o,s:o,s:[s],s:o}", "settings", settings(l), "limits",
	    stt_fastapi_limits(l), "supportedEngines", "stenopool", "runtimeSettings",
	    runtime_settings());
}

json_t *stt_fastapi_hello(const char *session, const struct stt_limits *l)
{
	json_t *o = stt_fastapi_event("hello", session);
	json_t *config = stt_fastapi_config(l);

	set(o, "clientId", json_string(session));
	if (o != NULL && config != NULL)
		(void)json_object_update(o, config);
	json_decref(config);
	return o;
}

json_t *stt_fastapi_ready(const char *session, const struct stt_limits *l)
{
	json_t *o = stt_fastapi_event("ready", session);

	set(o, "settings", settings(l));
	set(o, "limits", stt_fastapi_limits(l));
	set(o, "runtimeSettings", runtime_settings());
	set(o, "ok", json_true());
	return o;
}

json_t *stt_fastapi_status(const char *session, const struct stt_status *s, double now)
{
	json_t *o = stt_fastapi_event("status", session);

	set(o, "state", json_string(s->state));
	stt_fastapi_stamp(o, "timestamp", now);
	set(o, "activeClientId", json_string(session));
	set(o, "queueDepth", json_integer(s->queue_depth));
	set(o, "droppedChunks", json_integer(0));
	set(o, "coalescedRealtime", json_integer(0));
	set(o, "staleRealtimeDiscarded", json_integer(0));
	set(o, "activeSessions", json_integer(s->sessions));
	set(o, "activeSpeakers", json_integer(s->speakers));
	set(o, "wakeWordEnabled", json_false());
	set(o, "wakeWord",
	    json_pack("{s:b,s:s,s:s,s:n}", "enabled", 0, "backend", "", "wakeWords", "", "state"));
	return o;
}

static json_t *pre_roll_of(const struct stt_segment *g)
{
	json_t *o = json_pack("{s:f,s:f,s:b}", "configuredSeconds", g->pre_roll_wished,
	    "includedSeconds", g->pre_roll, "exact", 0);

	stt_fastapi_stamp(o, "startTimestamp", g->started - g->pre_roll);
	stt_fastapi_stamp(o, "endTimestamp", g->started);
	return o;
}

static json_t *segment_of(const struct stt_segment *g)
{
	json_t *o = json_pack("{s:i}", "segmentId", (int)g->id);

	stt_fastapi_stamp(o, "recordingStartedAt", g->started);
	if (g->ended > 0) {
		stt_fastapi_stamp(o, "recordingEndedAt", g->ended);
		set(o, "durationSeconds", json_real(g->ended - g->started));
		set(o, "endReason", json_string("recording_stop"));
	}
	set(o, "preRecordingBuffer", pre_roll_of(g));
	return o;
}

/* The segment as an object, and its keys once more beside it. */
static void add_segment(json_t *o, const struct stt_segment *g)
{
	json_t *segment;

	if (o == NULL || g == NULL)
		return;
	segment = segment_of(g);
	if (segment != NULL)
		(void)json_object_update(o, segment);
	set(o, "segment", segment);
}

json_t *stt_fastapi_timeline(
    const char *session, const char *event, const struct stt_segment *segment, double now)
{
	json_t *o = stt_fastapi_event("timeline", session);

	set(o, "event", json_string(event));
	stt_fastapi_stamp(o, "timestamp", now);
	add_segment(o, segment);
	if (segment != NULL && strcmp(event, "recording_ended") == 0)
		set(o, "reason", json_string("recording_stop"));
	return o;
}

static json_t *text_of(const char *text)
{
	return json_text_of(text, strlen(text));
}

/* What is shown is what the engine heard, so the names of display, consensus and visual text have the same in them. */
static void add_stable(json_t *o, const struct stt_stable_text *t)
{
	bool grew = t->delta[0] != '\0';

	set(o, "stableText", text_of(t->stable));
	set(o, "stableDelta", text_of(t->delta));
	set(o, "unstableText", text_of(t->unstable));
	set(o, "committedStableText", text_of(t->stable));
	set(o, "committedStableDelta", text_of(t->delta));
	set(o, "visualStableText", text_of(t->stable));
	set(o, "visualUnstableText", text_of(t->unstable));
	set(o, "consensusText", text_of(t->stable));
	set(o, "consensusUnstableText", text_of(t->unstable));
	set(o, "publicConsensusAligned", json_boolean(t->aligned));
	set(o, "internalRevision", json_boolean(!t->aligned));
	set(o, "isOutlier", json_boolean(t->outlier));
	set(o, "stablePrefixConflict", json_boolean(!t->aligned));
	set(o, "commitReason", json_string(grew ? "evidence-threshold" : "none"));
	set(o, "stableNormalizedOffset", json_integer(t->offset));
}

static json_t *display_of(const struct stt_stable_text *t)
{
	return json_sprintf("%s%s", t->stable, t->unstable);
}

json_t *stt_fastapi_realtime(const char *session, const struct stt_realtime *r,
    const struct stt_segment *segment, double now)
{
	json_t *o = stt_fastapi_event("realtime", session);

	set(o, "segmentId", json_integer(segment->id));
	set(o, "recordingId", json_sprintf("%s-%u", session, segment->id));
	set(o, "sequence", json_integer((json_int_t)r->sequence));
	set(o, "text", text_of(r->text));
	set(o, "rawText", text_of(r->text));
	set(o, "displayText", display_of(r->stable));
	set(o, "consensusDisplayText", display_of(r->stable));
	add_stable(o, r->stable);
	stt_fastapi_stamp(o, "timestamp", now);
	add_segment(o, segment);
	return o;
}

json_t *stt_fastapi_final(
    const char *session, const char *text, size_t n, const struct stt_segment *segment, double now)
{
	json_t *o = stt_fastapi_event("final", session);

	set(o, "text", json_text_of(text, n));
	stt_fastapi_stamp(o, "timestamp", now);
	add_segment(o, segment);
	return o;
}

json_t *stt_fastapi_message(
    const char *type, const char *session, const char *where, const char *message)
{
	json_t *o = stt_fastapi_event(type, session);

	set(o, "message", text_of(message));
	if (where != NULL)
		set(o, "where", json_string(where));
	return o;
}

static json_t *counted(const struct stt_counts *c)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "droppedAudioChunks", (json_int_t)c->dropped,
	    "rejectedAudioChunks", (json_int_t)c->rejected, "finalSubmitted",
	    (json_int_t)c->finals_wanted, "finalCompleted", (json_int_t)c->finals,
	    "realtimeSubmitted", (json_int_t)c->partials, "realtimeCompleted",
	    (json_int_t)c->partials);
}

json_t *stt_fastapi_metrics(const char *session, const char *state, bool streaming,
    const struct stt_segment *segment, const struct stt_counts *c)
{
	bool recording = segment->started > 0 && !(segment->ended > 0);
	json_t *o = json_pack("{s:s,s:b,s:b,s:s,s:b,s:i}", "sessionId", session, "streaming",
	    streaming, "recording", recording, "state", state, "wakeWordEnabled", 0,
	    "currentSegmentId", (int)segment->id);
	json_t *counts = counted(c);

	if (o != NULL && counts != NULL)
		(void)json_object_update(o, counts);
	if (recording)
		set(o, "currentSegment", segment_of(segment));
	json_decref(counts);
	return o;
}
