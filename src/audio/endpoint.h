/* endpoint: where an utterance begins and ends, from the voice activity of 10 ms hops. Counts samples.
 * Pure; one thread at a time. */
#ifndef AUDIO_ENDPOINT_H
#define AUDIO_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/vad.h"

struct error;

enum endpointing { ENDPOINTING_VAD, ENDPOINTING_MANUAL };

/* The settings of [vad], and the fields of the same names in a client's `start`. */
struct endpoint_config {
	enum endpointing endpointing; /* manual: all audio is one utterance until commit or stop */
	double vad_sensitivity;       /* 0..1, default 0.5; more: fewer misses, more false alarms */
	unsigned pre_roll_ms;   /* 0..2000, default 300: kept from before speech was detected */
	unsigned min_speech_ms; /* 0..2000, default 100: less detected speech opens no utterance */
	unsigned post_silence_ms; /* 100..10000, default 600: silence that ends an utterance */
	/* 0..10000, default 200: silence after which it may have ended, so that its final is worth a try; 0, or not less than
	 * post_silence_ms: never. What the detector holds for the weak end of speech is no silence here. */
	unsigned early_final_ms;
	unsigned min_utterance_ms; /* 0..10000, default 0: silence does not end a shorter one */
	unsigned max_utterance_ms; /* 1000..120000, default 30000: cut where it is quietest */
	/* Of the network that listens, borrowed: must outlive every ear that is made with it. NULL: the statistical detector. */
	const struct vad_silero_weights *weights;
};

#define ENDPOINT_CONFIG_DEFAULT                                                                    \
	((struct endpoint_config){ ENDPOINTING_VAD, 0.5, 300, 100, 600, 200, 0, 30000, NULL })

/* -1 and a sentence that names the field, its value and its range. */
int endpoint_config_check(const struct endpoint_config *cfg, struct error *err);

enum endpoint_state {
	ENDPOINT_NONE, /* what the table has for an event that cannot be */
	ENDPOINT_SILENCE,
	ENDPOINT_MAYBE,    /* some speech, not yet min_speech_ms of it; no utterance is open */
	ENDPOINT_SPEECH,   /* an utterance is open */
	ENDPOINT_TRAILING, /* an utterance is open, and it is quiet */
	ENDPOINT_PAUSED,   /* ... and has been for early_final_ms */
	ENDPOINT_STATES,
};

enum endpoint_event {
	ENDPOINT_ON_SPEECH, /* a hop of speech; not enough of it yet, if no utterance is open */
	ENDPOINT_ON_ENOUGH, /* a hop that makes min_speech_ms of it; with manual endpointing: audio */
	ENDPOINT_ON_HANGOVER, /* a hop of silence that may be the weak end of speech */
	ENDPOINT_ON_QUIET,    /* a hop of silence */
	ENDPOINT_ON_PAUSE,    /* a hop that makes early_final_ms of it */
	ENDPOINT_ON_TIMEOUT,  /* a hop that makes post_silence_ms of it */
	ENDPOINT_ON_END,      /* the utterance was ended from outside */
	ENDPOINT_EVENTS,
};

enum endpoint_state endpoint_next(enum endpoint_state s, enum endpoint_event e);

/* Plain data; embed it. Only endpoint_* write to it. */
struct endpoint {
	enum endpoint_state state;
	unsigned min_speech_hops, post_silence_hops, min_utterance_hops;
	unsigned early_hops;  /* 0: there are no pauses */
	unsigned speech_hops; /* seen in MAYBE */
	uint64_t speech_from; /* the hop where speech began; valid from MAYBE on */
	uint64_t speech_to;   /* one past the last hop of speech */
	uint64_t weak_to;     /* ... or of what may be its weak end */
};

enum endpoint_verdict {
	ENDPOINT_STAY,
	ENDPOINT_OPEN,
	ENDPOINT_CLOSE,
	ENDPOINT_PAUSE,  /* it may have ended; CLOSE or RESUME follows */
	ENDPOINT_RESUME, /* it had not */
};

void endpoint_init(struct endpoint *e, const struct endpoint_config *cfg);
/* What is to be done after the decision about a hop; open_hops: how long the utterance is open already. */
enum endpoint_verdict endpoint_hop(
    struct endpoint *e, uint64_t hop, enum vad_decision heard, uint64_t open_hops);
void endpoint_begin(struct endpoint *e); /* opens one whatever was heard: manual endpointing */
void endpoint_end(struct endpoint *e);   /* ends the open one: commit, stop, a cut in its silence */
bool endpoint_is_open(const struct endpoint *e);

#endif
