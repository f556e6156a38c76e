#define _GNU_SOURCE
#include "access/stt_control_text.h"

#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "audio/endpoint.h"
#include "base/error.h"
#include "base/util.h"

enum { SHOWN_BYTES = 64 };

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_NEVER /* only false: we have none of it */ };

static const struct {
	const char *name;
	enum value_kind kind; /* and, where it can be set, the range of a number */
	double min, max;
} parameters[STT_PARAMETERS] = {
	[STT_LANGUAGE] = { "language", VALUE_TEXT, 0, 0 },
	[STT_SILERO_SENSITIVITY] = { "silero_sensitivity", VALUE_NUMBER, 0, 1 },
	[STT_WAKE_WORD_ACTIVATION_DELAY] = { "wake_word_activation_delay", VALUE_NUMBER, 0, 86400 },
	[STT_POST_SPEECH_SILENCE] = { "post_speech_silence_duration", VALUE_NUMBER, 0.1, 10 },
	[STT_DEACTIVITY_SILENCE] = { "deactivity_silence_confirmation_duration", VALUE_NUMBER, 0,
	    10 },
	[STT_USE_WAKE_WORDS] = { "use_wake_words", VALUE_NEVER, 0, 0 },
	[STT_LISTEN_START] = { "listen_start", VALUE_NUMBER, 0, 0 },
	[STT_RECORDING_STOP_TIME] = { "recording_stop_time", VALUE_NUMBER, 0, 0 },
	[STT_SPEECH_END_SILENCE_START] = { "speech_end_silence_start", VALUE_NUMBER, 0, 0 },
	[STT_IS_RECORDING] = { "is_recording", VALUE_NUMBER, 0, 0 },
	[STT_LAST_BYTES] = { "last_transcription_bytes", VALUE_TEXT, 0, 0 },
	[STT_LAST_BYTES_B64] = { "last_transcription_bytes_b64", VALUE_TEXT, 0, 0 },
};

static const char *const methods[STT_METHODS] = { "set_microphone", "abort", "stop",
	"clear_audio_queue", "wakeup", "text", "shutdown" };
static const char *const commands[] = { "set_parameter", "get_parameter", "call_method" };

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "None" : text;
}

static int refuse(struct error *err, const char *before, const char *name, const char *after)
{
	return error_set(err, ERROR_INVALID, "%s %.*s%s", before,
	    json_text_whole_characters(name, SHOWN_BYTES), name, after);
}

static int find_parameter(struct stt_request *r, struct error *err)
{
	const char *name = text_of(r->whole, "parameter");
	bool set = r->kind == STT_SET;

	for (int i = 0; i < STT_PARAMETERS; i++)
		if (strcmp(name, parameters[i].name) == 0 && (!set || i < STT_SETTABLE)) {
			r->parameter = (enum stt_parameter)i;
			return 0;
		}
	return refuse(err, "Parameter", name,
	    set ? " is not allowed (set_parameter)" : " is not allowed (get_parameter)");
}

static int find_method(struct stt_request *r, struct error *err)
{
	const char *name = text_of(r->whole, "method");

	for (int i = 0; i < STT_METHODS; i++)
		if (strcmp(name, methods[i]) == 0) {
			r->method = (enum stt_method)i;
			return 0;
		}
	return refuse(err, "Method", name, " is not allowed");
}

int stt_request_read(const char *text, size_t n, struct stt_request *out, struct error *err)
{
	const char *command;
	unsigned kind = 0;

	*out = (struct stt_request){ 0 };
	if (json_text_check(text, n, err) < 0)
		return -1;
	out->whole = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(out->whole))
		return error_set(err, ERROR_INVALID, "Invalid JSON command");
	command = text_of(out->whole, "command");
	while (kind < ARRAY_SIZE(commands) && strcmp(command, commands[kind]) != 0)
		kind++;
	if (kind == ARRAY_SIZE(commands))
		return refuse(err, "Unknown command", command, "");
	out->kind = (enum stt_request_kind)kind;
	return out->kind == STT_CALL ? find_method(out, err) : find_parameter(out, err);
}

void stt_request_done(struct stt_request *r)
{
	json_decref(r->whole);
	*r = (struct stt_request){ 0 };
}

/* null is how the client says that the language is to be found out. */
static int set_language(struct stt_settings *s, const json_t *v, struct error *err)
{
	const char *text = json_is_null(v) ? "" : json_string_value(v);

	if (text == NULL || strlen(text) >= sizeof s->language)
		return error_set(err, ERROR_INVALID,
		    "Parameter language must be text of at most %zu bytes", sizeof s->language - 1);
	memcpy(s->language, text, strlen(text) + 1);
	return 0;
}

static int set_number(
    struct stt_settings *s, enum stt_parameter p, const json_t *v, struct error *err)
{
	double d = json_number_value(v);

	if (!json_is_number(v) || !(d >= parameters[p].min && d <= parameters[p].max))
		return error_set(err, ERROR_INVALID, "Parameter %s must be a number from %g to %g",
		    parameters[p].name, parameters[p].min, parameters[p].max);
	s->number[p] = d;
	return 0;
}

int stt_settings_set(struct stt_settings *s, const struct stt_request *r, struct error *err)
{
	const json_t *v = json_object_get(r->whole, "value");
	enum stt_parameter p = r->parameter;
	int rc = 0;

	if (parameters[p].kind == VALUE_TEXT)
		rc = set_language(s, v, err);
	else if (parameters[p].kind == VALUE_NUMBER)
		rc = set_number(s, p, v, err);
	else if (!json_is_false(v))
		rc = error_set(err, ERROR_INVALID,
		    "Parameter %s can only be false: there are no wake words here",
		    parameters[p].name);
	s->is_set[p] = s->is_set[p] || rc == 0;
	return rc;
}

void stt_settings_merge(struct stt_settings *to, const struct stt_settings *from)
{
	for (int i = 0; i < STT_SETTABLE; i++) {
		if (!from->is_set[i])
			continue;
		to->is_set[i] = true;
		to->number[i] = from->number[i];
	}
	if (from->is_set[STT_LANGUAGE])
		memcpy(to->language, from->language, sizeof to->language);
}

void stt_settings_apply(const struct stt_settings *s, struct endpoint_config *e)
{
	if (s->is_set[STT_SILERO_SENSITIVITY])
		e->vad_sensitivity = s->number[STT_SILERO_SENSITIVITY];
	if (s->is_set[STT_POST_SPEECH_SILENCE])
		e->post_silence_ms = (unsigned)(s->number[STT_POST_SPEECH_SILENCE] * 1000.0 + 0.5);
}

/* null has been set where the language is to be found out. */
void stt_settings_wishes(const struct stt_settings *s, struct wanted *out)
{
	wanted_language(
	    out, s->is_set[STT_LANGUAGE] && s->language[0] == '\0' ? "auto" : s->language);
}

json_t *stt_request_value(const struct stt_request *r, const struct stt_settings *s,
    const struct endpoint_config *e, const struct stt_facts *facts)
{
	struct endpoint_config now = *e;

	stt_settings_apply(s, &now);
	switch (r->parameter) {
	case STT_LANGUAGE:
		return json_string(s->language);
	case STT_SILERO_SENSITIVITY:
		return json_real(now.vad_sensitivity);
	case STT_POST_SPEECH_SILENCE:
		return json_real(now.post_silence_ms / 1000.0);
	case STT_LISTEN_START:
		return json_real(facts->listen_start);
	case STT_RECORDING_STOP_TIME:
		return json_real(facts->recording_stop_time);
	case STT_SPEECH_END_SILENCE_START:
		return json_real(facts->speech_end_silence_start);
	case STT_IS_RECORDING:
		return json_boolean(facts->is_recording);
	case STT_USE_WAKE_WORDS:
		return json_false();
	case STT_WAKE_WORD_ACTIVATION_DELAY:
	case STT_DEACTIVITY_SILENCE:
		return json_real(s->number[r->parameter]);
	default:
		return json_null();
	}
}

bool stt_request_turns_on(const struct stt_request *r)
{
	const json_t *v = json_array_get(json_object_get(r->whole, "args"), 0);

	if (v == NULL)
		v = json_object_get(json_object_get(r->whole, "kwargs"), "microphone_on");
	return v == NULL || json_is_true(v);
}

/* The client's first id is 0, which is one. */
static json_t *with_id(const struct stt_request *r, json_t *reply)
{
	json_t *id = json_object_get(r->whole, "request_id");

	if (reply != NULL && id != NULL && !json_is_null(id))
		(void)json_object_set(reply, "request_id", id);
	return reply;
}

static json_t *number_text(const json_t *v)
{
	char *text = v == NULL ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
	json_t *o = text == NULL ? json_string("None") : json_string(text);

	free(text);
	return o;
}

static json_t *set_done(const struct stt_request *r)
{
	const json_t *v = json_object_get(r->whole, "value");
	json_t *shown = number_text(v), *message;

	message = json_sprintf("Parameter %s set to %s", parameters[r->parameter].name,
	    json_is_string(v) ? json_string_value(v) : json_string_value(shown));
	json_decref(shown);
	return json_pack("{s:s,s:o}", "status", "success", "message", message);
}

json_t *stt_reply_done(const struct stt_request *r)
{
	json_t *message;

	if (r->kind == STT_SET)
		return with_id(r, set_done(r));
	message = json_sprintf("Method %s called", methods[r->method]);
	return with_id(r, json_pack("{s:s,s:o}", "status", "success", "message", message));
}

json_t *stt_reply_value(const struct stt_request *r, json_t *value)
{
	return with_id(r,
	    json_pack("{s:s,s:s,s:o}", "status", "success", "parameter",
		parameters[r->parameter].name, "value", value));
}

json_t *stt_reply_error(const struct stt_request *r, const char *message)
{
	return with_id(r,
	    json_pack(
		"{s:s,s:o}", "status", "error", "message", json_text_of(message, strlen(message))));
}
