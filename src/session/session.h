/* session: one client's dictation, whatever protocol it speaks. Audio goes in; the ear cuts it into utterances;
 * each is heard by the instance in the session's place of the pool; events come out.
 *
 * Guarantees: utterance ids rise from 1; an utterance's events come as speech_start, partial*, speech_end
 * (and with paced_partials more of them), before speech_end perhaps eager_final and resumed by turns,
 * final or error, and perhaps recovered, before the last of them; finals of different utterances come in order; every
 * utterance gets exactly one final or error unless it is cleared or the session is over before; what had been understood of
 * it by then is told as an incomplete final; ended or a fatal error is
 * the last event.
 *
 * Server process, loop thread only (the ear's work runs in the work pool and is handed back). */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/ear.h"
#include "base/error.h"
#include "pool/pool.h"
#include "session/wording.h"

struct session;
struct work;

struct session_limits {
	unsigned buffer_ms;           /* audio kept before the ear or the instance takes it */
	size_t piece_bytes;           /* the most that session_audio is given at once; 0: little */
	unsigned idle_timeout_ms;     /* nothing heard or said for so long ends it; 0: never */
	unsigned partial_interval_ms; /* audio between two partials of an utterance */
	unsigned
	    losses_max; /* instances lost that brought an utterance no further, before it is given up; 1..VERDICT_ATTEMPTS_MAX */
	char *poison_dir; /* where the audio is kept that instances died of; NULL, "": nowhere */
};

/* What is wished of the hearing, where the pool's engine takes it (ipc/traits.h); passed over by others. NULL and "": nothing. */
struct session_wishes {
	const char *language;  /* "de", "auto"; <= IPC_LANGUAGE_MAX bytes; as is all text, UTF-8 */
	const char *prompt;    /* as it might stand before; <= IPC_PROMPT_MAX bytes */
	const char *hot_words; /* with commas between; likewise */
	/* All that may be said, one a line; <= IPC_PHRASES_MAX bytes. An engine that takes none, but hot words, is told them as those. */
	const char *phrases;
	bool translate; /* into English */
};

struct session_config {
	struct ear_config ear;
	/* NULL, or other pools whose instances bring the finals; those of the session's own bring the partials then, and a final
	 * where the other one cannot. Borrowed for the call. */
	const struct pool_finals *finals;
	/* Which of several is for a language that was wished for or heard, an index; NULL: the first is for all. */
	unsigned (*choose_finals)(const struct pool_finals *finals, const char *language);
	uint64_t tenant;        /* on whose behalf: pool.h, struct lease_owner */
	enum priority priority; /* among those who wait for a place */
	bool partials;
	unsigned partial_interval_ms; /* 0: the limits' own */
	/* One partial at each interval, also behind SPEECH_END, for which the audio waits: where it comes faster than it is heard. */
	bool paced_partials;
	unsigned settle_ms; /* of audio, after which a partial's words are settled; 0: 2 s */
	bool wants_eager;   /* SESSION_EVENT_EAGER_FINAL and _RESUMED are told */
	bool wants_heard;   /* SESSION_EVENT_HEARD and _COMMITTED are told */
	/* SESSION_EVENT_IDLE is told, and nothing else happens to one that is idle but that what is open is ended first, whoever's
	 * word would end it. */
	bool wants_idle;
	uint64_t
	    utterances_before; /* that the client had in earlier sessions: ids rise from there */
	uint64_t offset_ms;    /* added to all times: where this audio stands in the client's own */
	const uint8_t *adaptation;    /* of an earlier final; borrowed for the call */
	size_t adaptation_bytes;      /* 0: the speaker is unknown; <= IPC_BLOB_MAX */
	struct session_wishes wishes; /* borrowed for the call */
	/* Of texts whose engine does not see to it itself, in a pool that does (pool_tidies_text). */
	struct wording wording;
};

enum session_state {
	SESSION_QUEUED,
	SESSION_READY,
	SESSION_SPEAKING,
	SESSION_DRAINING,
	SESSION_CLOSED,
	SESSION_STATES
};

enum session_event_kind {
	SESSION_EVENT_QUEUED,
	SESSION_EVENT_READY,
	SESSION_EVENT_SPEECH_START,
	SESSION_EVENT_SPEECH_END,
	SESSION_EVENT_PARTIAL,
	SESSION_EVENT_EAGER_FINAL, /* only with wants_eager: what the final is if nothing more is said; never empty */
	SESSION_EVENT_RESUMED, /* what was told so is not: more is said */
	SESSION_EVENT_FINAL,
	SESSION_EVENT_RECOVERED, /* the utterance's instance was lost; another one hears all of it again */
	SESSION_EVENT_ERROR,
	SESSION_EVENT_ENDED,
	SESSION_EVENT_HEARD,     /* only with wants_heard: so far everything has been dealt with */
	SESSION_EVENT_COMMITTED, /* only with wants_heard: a commit has been carried out */
	SESSION_EVENT_CLEARED, /* session_clear has been carried out; utterance: the dropped one, or 0 */
	SESSION_EVENT_IDLE, /* only with wants_idle: session_is_idle; told again as long as it is */
};

struct session_word {
	const char *text; /* not terminated */
	size_t text_bytes;
	uint64_t start_ms, end_ms;
	float confidence; /* 0..1 */
};

/* All pointers are lent for the call. Times are ms from the session's first sample, plus offset_ms. */
struct session_event {
	enum session_event_kind kind;
	uint64_t utterance; /* 0: the session's */
	uint64_t instance; /* that heard it, or else hears or last heard the session; 0: none yet */
	union {            /* EAGER_FINAL: `final`, without cause and adaptation */
		struct {
			unsigned position;
			uint64_t estimated_wait_ms;
		} queued;
		struct {
			uint64_t at_ms;           /* SPEECH_START, SPEECH_END */
			enum ear_cause end_cause; /* SPEECH_END */
		};
		struct {
			const char *text;
			size_t text_bytes;
			size_t stable_bytes; /* of the text's beginning have stood for a while */
			/* As the engine has them, or else the likelihood that they will be said again (text.h). */
			float confidence;
			const struct session_word *words;
			size_t words_n; /* 0: the engine does not know their times yet */
			/* Whole words of the text's beginning have stood for so long that they may be said where nothing can be taken back (text.h). */
			size_t settled_bytes;
			char language[IPC_LANGUAGE_MAX + 1]; /* that was heard; "": not known */
		} partial;
		struct {
			const char *text;
			size_t text_bytes;
			uint64_t start_ms, end_ms;
			float confidence;
			const struct session_word *words;
			size_t words_n;
			const uint8_t *adaptation;
			size_t adaptation_bytes;
			enum ear_cause cause;                /* why the utterance ended */
			char language[IPC_LANGUAGE_MAX + 1]; /* as a partial's */
			/* NULL, or why the text is only the beginning of what was said: as much as had settled when the
			 * utterance was given up. Then it has no words, no times of its own and confidence 0. */
			const struct error *incomplete;
			/* There are other pools for finals, and its text is that of the instances that bring the partials. */
			bool by_partials;
			bool
			    cut_off; /* `incomplete`, because the session ends with that error next */
		} final;
		struct {
			const struct error *why;
			unsigned retry_after_ms; /* 0: not said */
			bool fatal;              /* the session is over */
		} error;
		/* Of all audio up to `bytes`, counted from the first that the client gave, the ear has heard; each utterance that
		 * ended in it has had its final or error; and where one is open, it has had the partial that was asked for
		 * last. Told after the events of those bytes, whenever the number has grown, which it does until it is all
		 * that was given or the session is over. Audio that is left to another server (session_leave_soon) is never
		 * told as heard. */
		struct {
			uint64_t bytes;
			uint64_t at_ms; /* where the ear stood then */
		} heard;
		/* One for each session_commit, in order, after the SPEECH_END and before the final of the utterance that it
		 * ended, whose id this is. Of several at one moment the first one ends it. */
		struct {
			bool
			    empty; /* none was open, what had been given may still become one; utterance 0 */
		} committed;
		struct {
			uint64_t audio_ms;
			uint64_t utterances;
		} ended;
	};
};

/* Called at the end of the loop's turn (base/turn.h), but for session_abort's; may free the session. */
typedef void session_event_f(void *arg, const struct session_event *e);
/* The session takes audio again after session_audio returned false. */
typedef void session_drain_f(void *arg);

struct session_events {
	session_event_f *on_event;
	session_drain_f *on_drain;
};

/* NULL with a sentence in *err when the config cannot be or a pool refuses; *retry_after_ms_out as lease_new. No event
 * comes before session_start. Borrows pools, work, limits and arg. */
struct session *session_new(struct pool *pool, struct work *work,
    const struct session_limits *limits, const struct session_config *cfg, struct error *err,
    unsigned *retry_after_ms_out);
void session_start(struct session *s, const struct session_events *events, void *arg);
/* Aborts what is open and gives the places back. No event comes any more. */
void session_free(struct session **s);

/* Takes all of it; false: enough for now, call no more before on_drain (what is sent all the same is taken until
 * twice the bound or by one piece over it, then the session fails with ERROR_LIMIT). A client that speaks live, no faster
 * than time passes, cannot be kept waiting: its session fails with ERROR_OVERLOADED instead. */
bool session_audio(struct session *s, const void *bytes, size_t n);
/* From the next text on, whichever utterance it is of. */
void session_set_wording(struct session *s, const struct wording *wording);
void session_commit(struct session *s); /* ends the open utterance at the audio given so far */
/* Drops all audio given so far that no ended utterance has: what waits in the input, what the ear has not decided about,
 * and the open utterance, of which no final and no error comes any more; CLEARED tells when. What was given before a
 * commit or a change of format or wishes that still waits is not dropped: that is carried out as ever, and the clear after it. Time
 * goes on: what is dropped counts as heard, in times and in HEARD. Nothing after session_end. */
void session_clear(struct session *s);
/* For audio given from now on another format, another endpointing, or both. What is open is ended here, as by a commit,
 * and speech detection begins anew; times go on. -1 with a sentence when the config cannot be; then nothing changes. */
int session_reconfigure(struct session *s, const struct ear_config *cfg, struct error *err);
/* For utterances that begin in audio given from now on; all of each is heard with the same. -1 with a sentence when they
 * cannot be; then nothing changes. */
int session_wish(struct session *s, const struct session_wishes *wishes, struct error *err);
/* As session_commit, but the server wants it and not the client, so no COMMITTED answers it. */
void session_commit_unasked(struct session *s);
void session_end(struct session *s); /* no more audio: finals, then ended */

/* No audio came for idle_timeout_ms and nothing is left to say, or nothing but the utterance that is open, if speech detection would end it;
 * to be asked about once a second. */
bool session_is_idle(struct session *s, uint64_t now_ns);
uint64_t session_utterances(
    const struct session *s); /* the id of its last one, or utterances_before */
/* What it has learnt of its speaker, for another session's config; *n_out 0: nothing. Lent. */
const uint8_t *session_adaptation(const struct session *s, size_t *n_out);
/* The server is going away: no utterance begins any more, those that have begun come to their finals, and then the session
 * ends with a fatal ERROR_RESTARTING, which is at once where none is open. */
void session_leave_soon(struct session *s, unsigned retry_after_ms);
/* Ends the session with a fatal error, which is told before this returns, behind all that is to be told. */
void session_abort(struct session *s, const struct error *why);

/* The 16 kHz samples of an utterance as far as they have come, whole from SPEECH_END on; NULL: it is not there, having had its final
 * or failed. Lent until the next event. */
const int16_t *session_samples(const struct session *s, uint64_t utterance, size_t *n_out);
uint64_t session_instance(const struct session *s); /* that hears or last heard it; 0: none yet */
/* An utterance is open: the ear has told where it starts and not yet where it ends. */
bool session_is_speaking(const struct session *s);
const char *session_pool_name(const struct session *s);
/* Utterances that have begun and have had neither their error nor their final. */
unsigned session_open_utterances(const struct session *s);
uint64_t session_id(const struct session *s); /* never reused */
enum session_state session_state(const struct session *s);
const char *session_state_name(enum session_state s);

#endif
