/* openai_realtime_session: what a Realtime client has set by session.update, kept as the JSON it is shown back as, in both
 * dialects: the general one (audio.input.*) and the beta one (input_audio_*, flat). Pure. */
#ifndef ACCESS_OPENAI_REALTIME_SESSION_H
#define ACCESS_OPENAI_REALTIME_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "access/openai_realtime_patch.h"
#include "access/wanted.h"
#include "audio/ear.h"

struct error;

enum { REALTIME_ID_BYTES = 48 };

/* Plain data. The values are owned and never changed where they are, so that copies share them. */
struct realtime_session {
	char id[REALTIME_ID_BYTES];
	bool flat;        /* shown in the beta dialect */
	const char *type; /* "transcription" or "realtime", as the client calls it; static */
	json_t *format, *transcription, *noise_reduction, *turn_detection, *include;
	bool detection_is_asked;         /* the client has said something of turn_detection */
	struct endpoint_config defaults; /* of the settings */
};

/* `model`: what the URL says, "" when nothing. */
void realtime_session_init(struct realtime_session *s, const char *id, const char *model,
    const struct endpoint_config *defaults);
void realtime_session_done(struct realtime_session *s); /* zeroed again */
void realtime_session_copy(struct realtime_session *to, const struct realtime_session *from);
void realtime_session_move(struct realtime_session *to, struct realtime_session *from);

/* Applies the `session` of an update, in either dialect: what is absent stays, null is back to nothing or the default. -1:
 * *err has the sentence, *blame the field; some of the update may have been applied then, so give it a copy. */
int realtime_session_update(struct realtime_session *s, const json_t *patch, struct error *err,
    struct realtime_blame *blame);
/* The turn detection of a client that has not spoken of it, as its model has it: none, or that of the settings. */
void realtime_session_settle(struct realtime_session *s, bool model_has_detection);
/* The whole, as session.created and session.updated show it. NULL: memory is out. */
json_t *realtime_session_json(const struct realtime_session *s);
/* What it means for the ear; always within its ranges. */
void realtime_session_ear(const struct realtime_session *s, struct ear_config *out);
const char *realtime_session_model(const struct realtime_session *s); /* "": none; lent */
/* The one that is said, or the first of those that it may be. */
const char *realtime_session_language(const struct realtime_session *s);
/* What is wished of the hearing, into an empty *out. */
void realtime_session_wishes(const struct realtime_session *s, struct wanted *out);

#endif
