/* stt_control_text: the words of the control port of RealtimeSTT's stt-server: requests in, replies out, and the parameters that a
 * client may set and read. Pure. */
#ifndef ACCESS_STT_CONTROL_TEXT_H
#define ACCESS_STT_CONTROL_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "access/wanted.h"

struct endpoint_config;
struct error;

enum stt_parameter {
	STT_LANGUAGE,
	STT_SILERO_SENSITIVITY,
	STT_WAKE_WORD_ACTIVATION_DELAY,
	STT_POST_SPEECH_SILENCE,
	STT_DEACTIVITY_SILENCE,
	STT_USE_WAKE_WORDS,
	STT_LISTEN_START, /* those from here on can only be read */
	STT_RECORDING_STOP_TIME,
	STT_SPEECH_END_SILENCE_START,
	STT_IS_RECORDING,
	STT_LAST_BYTES,
	STT_LAST_BYTES_B64,
	STT_PARAMETERS,
	STT_SETTABLE = STT_LISTEN_START
};

enum stt_method {
	STT_SET_MICROPHONE,
	STT_ABORT,
	STT_STOP,
	STT_CLEAR_AUDIO_QUEUE,
	STT_WAKEUP,
	STT_TEXT,
	STT_SHUTDOWN,
	STT_METHODS
};

enum stt_request_kind { STT_SET, STT_GET, STT_CALL };

struct stt_request { /* zeroed, then read, then stt_request_done */
	enum stt_request_kind kind;
	enum stt_parameter parameter;
	enum stt_method method;
	json_t *whole; /* owned; NULL: it was no JSON object */
};

/* What a client has set; zeroed is nothing. */
struct stt_settings {
	bool is_set[STT_SETTABLE];
	double number[STT_SETTABLE];
	char language[32];
};

/* What is to be read of a client's dictation. Times are seconds since 1970, 0: it has not happened. */
struct stt_facts {
	double listen_start, recording_stop_time, speech_end_silence_start;
	bool is_recording;
};

/* -1 and a sentence that begins as the reference's; request_id is there all the same if the request has one. */
int stt_request_read(const char *text, size_t n, struct stt_request *out, struct error *err);
void stt_request_done(struct stt_request *r);

/* Of a SET: -1 and a sentence where the value cannot be; nothing changes then. */
int stt_settings_set(struct stt_settings *s, const struct stt_request *r, struct error *err);
/* What has been set in `from` is set in `to`. */
void stt_settings_merge(struct stt_settings *to, const struct stt_settings *from);
/* Changes of the endpointing what was set. */
void stt_settings_apply(const struct stt_settings *s, struct endpoint_config *e);

/* What is wished of the hearing, into an empty *out. */
void stt_settings_wishes(const struct stt_settings *s, struct wanted *out);

/* Of a GET of anything but STT_LAST_BYTES*; `e` is the endpointing where nothing is set. */
json_t *stt_request_value(const struct stt_request *r, const struct stt_settings *s,
    const struct endpoint_config *e, const struct stt_facts *facts);
/* Of a set_microphone: whether it is to be on. */
bool stt_request_turns_on(const struct stt_request *r);

/* The replies; NULL when memory is out. */
json_t *stt_reply_done(const struct stt_request *r);                 /* of SET and CALL */
json_t *stt_reply_value(const struct stt_request *r, json_t *value); /* takes value */
json_t *stt_reply_error(const struct stt_request *r, const char *message);

#endif
