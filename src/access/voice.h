/* voice: a session as a protocol holds it: opened in a pool on a client's behalf, known to the roster and to status, fed, and
 * given back. Every session of every protocol begins and ends here, and here its key's limits are kept: what the key may not
 * do is refused, and when its minutes run out, what has come is heard to its finals, and then the session ends with a fatal
 * ERROR_QUOTA.
 *
 * Whatever a protocol says that its audio is: where a WAV header comes in it, at the beginning or later, it is no audio, and what it
 * says holds from there on (audio/wav.h). Server process, loop thread only. */
#ifndef ACCESS_VOICE_H
#define ACCESS_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/client.h"
#include "base/error.h"
#include "session/session.h"

struct access;
struct pool;
struct wav;

struct voice { /* plain data, zeroed is one without a session; embed it where it does not move */
	struct access *access;
	struct client client;    /* its own copy */
	struct session *session; /* owned; NULL before voice_open and after voice_drop */
	uint64_t id;             /* the session's, also after its end; 0: there was none */
	const struct session_events *events; /* the protocol's */
	void *arg;
	struct wav *wav;       /* owned; of its bytes, while there is a session */
	struct ear_config ear; /* as the protocol wishes it */
	struct format format;  /* of the bytes that the session is given now */
	uint64_t
	    given; /* bytes that the session has been given, as SESSION_EVENT_HEARD counts them */
	struct pool *pool; /* borrowed */
	unsigned wished;   /* kinds (IPC_TAKES_*) of wishes that there were, */
	unsigned unheeded,
	    unlogged; /* ... and of them those of which it is not told yet, or not logged, that they are passed over */
	bool counted;                            /* the quota has it among the key's sessions */
	uint64_t bytes_per_s, bytes, charged_ms; /* of audio */
	struct error used_up;                    /* ERROR_NONE: the minutes have not run out */
	unsigned retry_after_ms;
};

/* What a client gets that asks for nothing: the endpointing of the settings, 16 kHz mono s16, no partials, tidy texts. */
void voice_defaults(const struct access *a, struct session_config *out);
/* Opens a session; whose it is and how urgent is the client's. No event comes before voice_start. -1 with a sentence when
 * there is no room for it, the config cannot be, the pool refuses, or the key does not allow it (ERROR_FORBIDDEN,
 * ERROR_SESSIONS, ERROR_QUOTA); *retry_after_ms_out: when to try again, 0: not known. */
int voice_open(struct voice *v, struct access *a, const struct client *client, struct pool *pool,
    const struct session_config *cfg, struct error *err, unsigned *retry_after_ms_out);
void voice_start(struct voice *v, const struct session_events *events, void *arg);
/* Before the first audio: it is a WAV file, and begins with its header. */
void voice_expect_wav(struct voice *v);
/* As session_audio, for all that is no header; true when there is no session. An event may drop the voice. A header that cannot be
 * read is a fatal error. */
bool voice_audio(struct voice *v, const void *bytes, size_t n);
/* As session_reconfigure, but for the format where a WAV header has said it; what has come so far is charged as what it was. There
 * must be a session. */
int voice_reconfigure(struct voice *v, const struct ear_config *cfg, struct error *err);
/* As session_wish; no effect without a session. */
int voice_wish(struct voice *v, const struct session_wishes *wishes, struct error *err);
/* What is wished of the hearing and passed over, once the engine is known: a sentence for the client, the first time that there is
 * something to be said of each; to be asked for with each event until then. False: there is nothing, or not yet. */
bool voice_word_passed_over(struct voice *v, struct error *out);
/* As session_set_wording; no effect without a session. */
void voice_set_wording(struct voice *v, const struct wording *wording);
/* As session_commit, session_clear and session_end; no effect without a session, which whatever was sent to a client that does not
 * read may have dropped. */
void voice_commit(struct voice *v);
void voice_clear(struct voice *v);
void voice_end(struct voice *v);
/* A fatal error that comes when all that was begun has been heard: the server leaves, or the key's minutes have run out. A client
 * with several voices has other ones that still hear, and whose finals would be lost with them. */
bool voice_is_heard_out(enum error_code code);
/* Ends its session with that error, if it has one that is not over; what was understood is told before. */
void voice_abort(struct voice *v, const struct error *why);
/* Gives the session back, wherever it is; no event comes any more. No effect when there is none. */
void voice_drop(struct voice *v);

#endif
