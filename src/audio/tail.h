/* tail: the most recent samples of a session, by their position in it: what an utterance that opens late
 * still needs, and where the quietest moment to cut at is looked for.
 * Plain data: embed it, zeroed is empty, tail_done it. One thread at a time. */
#ifndef AUDIO_TAIL_H
#define AUDIO_TAIL_H

#include <stddef.h>
#include <stdint.h>

struct tail {
	int16_t *ring; /* owned; sample p is ring[p % cap] */
	size_t cap;
	uint64_t from; /* position of the oldest sample kept */
	uint64_t to;   /* one past the newest; to - from <= cap */
};

void tail_done(struct tail *t);

/* Makes room for just `cap` samples, which must hold those that are kept. -1 when memory is out. */
int tail_resize(struct tail *t, size_t cap);
/* Room must be there: to - from + n <= cap. */
void tail_push(struct tail *t, const int16_t *samples, size_t n);
void tail_drop_before(struct tail *t, uint64_t at); /* at <= to */
/* Copies the samples from..to, which must be kept. */
void tail_read(const struct tail *t, uint64_t from, uint64_t to, int16_t *out);
/* The middle of the quietest 100 ms of from..to, the last one if there are several; to, if that is shorter. */
uint64_t tail_quietest(const struct tail *t, uint64_t from, uint64_t to);

#endif
