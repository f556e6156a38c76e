/* deepgram_track: one channel's results on the time line of the stream. What a session tells is made into Deepgram's
 * messages:
 *
 * Results cover [start, start + duration). A final one fixes its range, and the next one starts where it ends; an interim one
 * is replaced by what comes later with the same start. Who speaks on and on is fixed piece by piece: words that have stood
 * for a while are told as final, and are not told again by what follows, which is cut where they end. Silence is fixed too, by results without text every few seconds, so
 * that clients see that they are heard. UtteranceEnd comes when no word has followed the last one for utterance_end_ms of
 * audio. Time is the audio's; there is no clock. Pure. */
#ifndef ACCESS_DEEPGRAM_TRACK_H
#define ACCESS_DEEPGRAM_TRACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/deepgram_event.h"
#include "session/session.h"

struct deepgram_track_config {
	const struct deepgram_about *about; /* borrowed */
	unsigned channel;
	bool interim_results, vad_events;
	bool endpointing;          /* the end of an utterance is told as speech_final */
	unsigned utterance_end_ms; /* 0: off */
	/* An utterance may begin so long before the place that has been heard: silence is not fixed up to there. */
	unsigned margin_ms;
	void (*say)(void *arg, json_t *message); /* takes it */
	void *arg;
};

struct deepgram_track { /* plain data; only deepgram_track_* write to it */
	struct deepgram_track_config cfg;
	uint64_t fixed_ms;       /* where the last final result ended */
	uint64_t heard_ms;       /* all before has been dealt with */
	uint64_t interim_end_ms; /* of the last interim result; never told shorter again */
	uint64_t last_word_end_ms;
	bool words_said;    /* and no UtteranceEnd since */
	bool words_coming;  /* the utterance in work has text already that is not fixed */
	uint64_t began_ms;  /* of the utterance in work */
	size_t fixed_words; /* of it, in final results already */
	bool
	    fixed_by_time; /* ... whose times are known, so that the rest is what comes after them */
	bool speaking;     /* an utterance is open */
	unsigned pending;  /* utterances that have begun and had no final */
	uint64_t committed;  /* the last one that Finalize ended; 0: none */
	bool finalize_waits; /* one found nothing open, and what was said before is not final yet */
};

void deepgram_track_init(struct deepgram_track *t, const struct deepgram_track_config *cfg);
/* An event of the channel's session, which wants heard; of fatal errors nothing is said here. */
void deepgram_track_event(struct deepgram_track *t, const struct session_event *e);

#endif
