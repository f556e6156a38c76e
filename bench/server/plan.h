/* plan: what a live client says, in frames of 20 ms, and at which frame an event falls due: with manual endpointing
 * the frame behind which it commits, with speech detection the one in which a dry run of the ear decides. */
#ifndef SERVER_PLAN_H
#define SERVER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clip;
struct endpoint_config;
struct error;

enum { PLAN_FRAME_SAMPLES = 320, PLAN_COMMIT_FRAMES = 150 };

struct plan {
	const int16_t *tape; /* borrowed; goes round */
	size_t tape_n;       /* whole frames */
	size_t from;         /* where on the tape this one begins */
	bool vad;
	unsigned frames_n;
	uint8_t *due; /* owned; for each frame PLAN_START | PLAN_END */
};

enum { PLAN_START = 1, PLAN_END = 2 };

/* -1 only when the ear cannot work. */
int plan_make(
    struct plan *p, const struct endpoint_config *endpoint, unsigned frames, struct error *err);
void plan_done(struct plan *p);
const int16_t *plan_frame(const struct plan *p, unsigned frame);
bool plan_commits_after(const struct plan *p, unsigned frame);

/* Speech and a pause after it, in whole frames; to be freed. */
int16_t *plan_tape(const struct clip *clip, unsigned pause_ms, size_t *n_out);

#endif
