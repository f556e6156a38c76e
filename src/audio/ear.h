/* ear: what a session listens with. Bytes of the client's format go in; out come 16 kHz mono samples cut
 * into utterances. It counts samples, never the clock: the same bytes in any chunking give the same
 * events at the same positions and the same samples.
 *
 * Pure: no I/O, no clock, no global state. One thread at a time; which one may change between calls. */
#ifndef AUDIO_EAR_H
#define AUDIO_EAR_H

#include <stddef.h>
#include <stdint.h>

#include "audio/endpoint.h"
#include "audio/format.h"

struct error;
struct ear;

enum { EAR_RATE_HZ = 16000 };

struct ear_config {
	struct format format;            /* of the bytes that come */
	struct endpoint_config endpoint; /* vad or manual, and its times */
	unsigned only; /* this channel is heard alone, counted from 1; 0: all are mixed */
};

enum ear_event_kind {
	EAR_SPEECH_START, /* an utterance opens; its first sample is `at`, pre-roll included */
	EAR_SPEECH_END,   /* it closes; one past its last sample is `at` */
	EAR_PAUSE, /* it may have ended: it has been quiet for early_final_ms; `at` is one past its last sample so far */
	EAR_RESUME, /* it had not: after a PAUSE it goes on, with the sample `at`; otherwise its END follows */
};

enum ear_cause {
	EAR_CAUSE_NONE,
	EAR_CAUSE_SILENCE,
	EAR_CAUSE_MAX_LENGTH,
	EAR_CAUSE_COMMIT,
	EAR_CAUSE_STOP
};

struct ear_event {
	enum ear_event_kind kind;
	enum ear_cause cause; /* of an end */
	uint64_t at;          /* 16 kHz samples from the first of the session */
	uint64_t speech_at;   /* where speech itself began or ended, without pre-roll and silence */
	size_t audio_from;    /* START: index in out->samples of the utterance's first sample */
	size_t audio_to;      /* END: one past its last; PAUSE, RESUME: one past the last so far */
};

/* What one call gives: events in order, and the samples of utterances, one after the other. Samples of the
 * utterance that was open before the call come first; each START's samples begin at its audio_from; each
 * END's stop at its audio_to. The caller owns it and reuses it: ear_out_clear keeps the memory. */
struct ear_out {
	struct ear_event *events;
	size_t events_n, events_cap;
	int16_t *samples;
	size_t samples_n, samples_cap;
};

void ear_out_clear(struct ear_out *out);
void ear_out_done(struct ear_out *out);

/* NULL, and a sentence that names the field, its value and its range, when the config cannot be. */
struct ear *ear_new(const struct ear_config *cfg, struct error *err);
/* -1 and a sentence when it cannot be. */
int ear_config_check(const struct ear_config *cfg, struct error *err);
/* One that goes on where another stopped: its first sample is at `position`. */
struct ear *ear_new_at(const struct ear_config *cfg, uint64_t position, struct error *err);
void ear_free(struct ear **ear);

/* All append to *out. -1 only when memory is out (ERROR_SYSTEM); the ear is of no more use then. */
int ear_feed(struct ear *ear, const void *bytes, size_t n, struct ear_out *out, struct error *err);
/* Ends the open utterance now, if there is one; with manual endpointing this is how one ends. It takes all
 * that was fed with it, also what speech detection has not decided about yet. Where none is open nothing
 * happens: speech that has only just begun may still open one. */
int ear_commit(struct ear *ear, struct ear_out *out, struct error *err);
/* No more audio: flushes the resampler, ends the open utterance. Only ear_free may follow. */
int ear_finish(struct ear *ear, struct ear_out *out, struct error *err);

/* Samples of 16 kHz that have been heard so far, those before its own first one and silence included; the up to 12 ms that a resampler still
 * holds are not, until a commit or the end. */
uint64_t ear_position(const struct ear *ear);

#endif
