#include "access/native_event.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "base/base64.h"
#include "base/error.h"

static json_t *words_of(const struct session_event *e)
{
	json_t *words = json_array();

	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];

		(void)json_array_append_new(words,
		    json_pack("{s:o,s:I,s:I,s:o}", "text", json_text_of(w->text, w->text_bytes),
			"start_ms", (json_int_t)w->start_ms, "end_ms", (json_int_t)w->end_ms,
			"confidence", json_text_confidence(w->confidence)));
	}
	return words;
}

static const char *cause_name(enum ear_cause c)
{
	static const char *const names[] = { [EAR_CAUSE_NONE] = "none",
		[EAR_CAUSE_SILENCE] = "silence",
		[EAR_CAUSE_MAX_LENGTH] = "max_length",
		[EAR_CAUSE_COMMIT] = "commit",
		[EAR_CAUSE_STOP] = "stop" };

	return names[c];
}

static void add_adaptation(json_t *final, const struct session_event *e)
{
	char *text = malloc(BASE64_LENGTH(e->final.adaptation_bytes) + 1);

	if (text == NULL)
		return;
	base64_encode(e->final.adaptation, e->final.adaptation_bytes, text);
	(void)json_object_set_new(final, "adaptation", json_string(text));
	free(text);
}

/* What is not there in a final as it should be. */
static void add_incomplete(json_t *final, const struct error *why, bool cut_off)
{
	(void)json_object_set_new(final, "incomplete", json_true());
	if (cut_off)
		(void)json_object_set_new(final, "cut_off", json_true());
	(void)json_object_set_new(final, "code", json_string(error_code_name(why->code)));
	(void)json_object_set_new(final, "message", json_string(why->text));
}

/* Where the engine says which it was. */
static void add_language(json_t *o, const char *language)
{
	if (o != NULL && language[0] != '\0')
		(void)json_object_set_new(o, "language", json_string(language));
}

static json_t *partial_of(const struct session_event *e)
{
	json_t *partial = json_pack("{s:s,s:I,s:o,s:I}", "type", "partial", "utterance",
	    (json_int_t)e->utterance, "text", json_text_of(e->partial.text, e->partial.text_bytes),
	    "stable", (json_int_t)e->partial.stable_bytes);

	add_language(partial, e->partial.language);
	return partial;
}

static json_t *ready_of(const struct native_context *ctx)
{
	json_t *ready = json_pack("{s:s,s:I,s:s,s:I}", "type", "ready", "session",
	    (json_int_t)ctx->session, "pool", ctx->pool, "instance", (json_int_t)ctx->instance);

	if (ready != NULL && ctx->engine != NULL && ctx->engine[0] != '\0')
		(void)json_object_update_new(ready,
		    json_pack("{s:o,s:o}", "engine", json_text_of(ctx->engine, strlen(ctx->engine)),
			"model", json_text_of(ctx->model, strlen(ctx->model))));
	return ready;
}

static json_t *eager_final_of(const struct session_event *e)
{
	json_t *final =
	    json_pack("{s:s,s:I,s:o,s:I,s:I,s:o,s:o}", "type", "eager_final", "utterance",
		(json_int_t)e->utterance, "text", json_text_of(e->final.text, e->final.text_bytes),
		"start_ms", (json_int_t)e->final.start_ms, "end_ms", (json_int_t)e->final.end_ms,
		"confidence", json_text_confidence(e->final.confidence), "words", words_of(e));

	add_language(final, e->final.language);
	return final;
}

static json_t *final_of(const struct session_event *e, const struct native_context *ctx)
{
	json_t *final = json_pack("{s:s,s:I,s:o,s:I,s:I,s:o,s:s,s:I,s:o}", "type", "final",
	    "utterance", (json_int_t)e->utterance, "text",
	    json_text_of(e->final.text, e->final.text_bytes), "start_ms",
	    (json_int_t)e->final.start_ms, "end_ms", (json_int_t)e->final.end_ms, "confidence",
	    json_text_confidence(e->final.confidence), "cause", cause_name(e->final.cause),
	    "instance", (json_int_t)ctx->instance, "words", words_of(e));

	add_language(final, e->final.language);
	if (final != NULL && e->final.by_partials)
		(void)json_object_set_new(final, "pass", json_string("partials"));
	if (final != NULL && ctx->return_adaptation && e->final.adaptation_bytes > 0)
		add_adaptation(final, e);
	if (final != NULL && e->final.incomplete != NULL)
		add_incomplete(final, e->final.incomplete, e->final.cut_off);
	return final;
}

static json_t *error_of(const struct error *err, uint64_t utterance, unsigned retry_after_ms)
{
	json_t *error = json_pack("{s:s,s:s,s:o}", "type", "error", "code",
	    error_code_name(err->code), "message", json_text_of(err->text, strlen(err->text)));

	if (error != NULL && utterance > 0)
		(void)json_object_set_new(error, "utterance", json_integer((json_int_t)utterance));
	if (error != NULL && retry_after_ms > 0)
		(void)json_object_set_new(error, "retry_after_ms", json_integer(retry_after_ms));
	return error;
}

static json_t *object_of(const struct session_event *e, const struct native_context *ctx)
{
	json_int_t utterance = (json_int_t)e->utterance;

	switch (e->kind) {
	case SESSION_EVENT_QUEUED:
		return json_pack("{s:s,s:i,s:I}", "type", "queued", "position",
		    (int)e->queued.position, "estimated_wait_ms",
		    (json_int_t)e->queued.estimated_wait_ms);
	case SESSION_EVENT_READY:
		return ready_of(ctx);
	case SESSION_EVENT_SPEECH_START:
		return json_pack("{s:s,s:I,s:I}", "type", "speech_start", "utterance", utterance,
		    "at_ms", (json_int_t)e->at_ms);
	case SESSION_EVENT_SPEECH_END:
		return json_pack("{s:s,s:I,s:I}", "type", "speech_end", "utterance", utterance,
		    "at_ms", (json_int_t)e->at_ms);
	case SESSION_EVENT_PARTIAL:
		return partial_of(e);
	case SESSION_EVENT_EAGER_FINAL:
		return eager_final_of(e);
	case SESSION_EVENT_RESUMED:
		return json_pack("{s:s,s:I}", "type", "resumed", "utterance", utterance);
	case SESSION_EVENT_FINAL:
		return final_of(e, ctx);
	case SESSION_EVENT_RECOVERED:
		return json_pack("{s:s,s:I}", "type", "recovered", "utterance", utterance);
	case SESSION_EVENT_ERROR:
		return error_of(e->error.why, e->utterance, e->error.retry_after_ms);
	case SESSION_EVENT_ENDED:
		return json_pack("{s:s,s:I,s:I}", "type", "done", "audio_ms",
		    (json_int_t)e->ended.audio_ms, "utterances", (json_int_t)e->ended.utterances);
	case SESSION_EVENT_HEARD:
	case SESSION_EVENT_COMMITTED:
	case SESSION_EVENT_CLEARED:
	case SESSION_EVENT_IDLE:
		break; /* are for other protocols */
	}
	return NULL;
}

static char *text_and_free(json_t *object)
{
	char *text =
	    object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(object);
	return text;
}

char *native_event_text(const struct session_event *e, const struct native_context *ctx)
{
	return text_and_free(object_of(e, ctx));
}

char *native_warning_text(const struct error *what)
{
	return text_and_free(json_pack("{s:s,s:o}", "type", "warning", "message",
	    json_text_of(what->text, strlen(what->text))));
}

char *native_error_text(const struct error *err, unsigned retry_after_ms)
{
	return text_and_free(error_of(err, 0, retry_after_ms));
}
