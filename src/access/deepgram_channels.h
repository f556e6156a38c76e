/* deepgram_channels: the sessions that hear one live stream of Deepgram's: one for all its channels, or with multichannel one
 * for each, and what they tell on its time line (deepgram_track.h). Server process, loop thread only. */
#ifndef ACCESS_DEEPGRAM_CHANNELS_H
#define ACCESS_DEEPGRAM_CHANNELS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/deepgram_query.h"
#include "access/deepgram_track.h"
#include "access/deinterleave.h"
#include "access/voice.h"
#include "base/error.h"

struct access;
struct client;
struct deepgram_about;
struct deepgram_channels;
struct pool;

struct deepgram_channels_events {
	void (*say)(void *arg, json_t *message); /* to the client; takes it */
	/* It takes audio again, after deepgram_channels_audio returned false. */
	void (*on_drain)(void *arg);
	/* One of both is the last, and may drop the channels. */
	void (*on_failed)(void *arg, const struct error *why);
	void (*on_ended)(void *arg, uint64_t audio_ms);
};

struct deepgram_channels_config { /* all borrowed */
	struct access *access;
	const struct client *client;
	struct pool *pool;
	const struct deepgram_query *query;
	struct deepgram_about *about; /* `channels` in it is set when they are opened */
	const struct deepgram_channels_events *events;
	void *arg;
};

struct deepgram_channel {
	struct deepgram_channels *all;
	struct voice voice;
	struct deepgram_track track;
	bool full; /* the session takes nothing before on_drain */
};

/* Plain data for embedding; only deepgram_channels_* write to it. Zeroed is one that has no sessions. */
struct deepgram_channels {
	struct deepgram_channels_config cfg;
	struct deepgram_channel one[DEEPGRAM_CHANNELS_MAX];
	unsigned n;       /* with a session; 0: not opened */
	unsigned ended_n; /* of them */
	uint64_t audio_ms;
	struct error why; /* ERROR_NONE: none of those that have ended has failed */
	struct deinterleave split;
};

/* Opens the sessions for audio of that format; no event comes before deepgram_channels_start. -1 as voice_open; those that were
 * opened go with deepgram_channels_drop. */
int deepgram_channels_open(struct deepgram_channels *c, const struct deepgram_channels_config *cfg,
    struct format format, struct error *err, unsigned *retry_after_ms);
void deepgram_channels_start(struct deepgram_channels *c);
/* The audio goes on in another format. -1 with a sentence where its channels do not fit the sessions. */
int deepgram_channels_reformat(
    struct deepgram_channels *c, struct format format, struct error *err);
/* Raw audio of that format, in any pieces; false: enough for now. n 0 only shows that the client is there. */
bool deepgram_channels_audio(struct deepgram_channels *c, const void *bytes, size_t n);
/* Ends what is being said on that channel, or with -1 on all. */
void deepgram_channels_commit(struct deepgram_channels *c, int channel);
/* What the query now wishes of the hearing holds from the next utterance on. */
void deepgram_channels_wish(struct deepgram_channels *c);
/* Texts are as the recogniser writes them, from the next one on. */
void deepgram_channels_unformat(struct deepgram_channels *c);
/* No more audio comes. There must be sessions. */
void deepgram_channels_end(struct deepgram_channels *c);
/* They end with that error; what was understood is told before. */
void deepgram_channels_abort(struct deepgram_channels *c, const struct error *why);
/* No event comes any more. */
void deepgram_channels_drop(struct deepgram_channels *c);
bool deepgram_channels_is_full(const struct deepgram_channels *c);

#endif
