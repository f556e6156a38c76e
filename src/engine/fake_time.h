/* fake_time: how the fake engines take their time. Instance and host processes; blocks. */
#ifndef ENGINE_FAKE_TIME_H
#define ENGINE_FAKE_TIME_H

#include "engine/engine.h"

struct error;

typedef void fake_time_f(unsigned ms);

void fake_time_sleep(unsigned ms);
void fake_time_burn(unsigned ms); /* in CPU time of the process */

struct fake_time_taker {                /* who can break it off; zeroed: nobody */
	engine_progress_f *on_progress; /* borrowed, as is its argument */
	void *arg;
	uint64_t decoded_samples; /* what it is told */
	unsigned slice_ms;        /* between two calls of it, at least 1 */
};

/* Spends `ms`, in slices, so that whoever waits can change his mind: then -1, and the error of an utterance that was
 * given up on request. */
int fake_time_take(
    const struct fake_time_taker *t, double ms, fake_time_f *spend, struct error *err);

#endif
