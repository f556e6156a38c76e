#include "server/plan.h"

#include <stdlib.h>
#include <string.h>

#include "audio/ear.h"
#include "base/error.h"
#include "base/util.h"
#include "server/clip.h"

const int16_t *plan_frame(const struct plan *p, unsigned frame)
{
	return p->tape + (p->from + (size_t)frame * PLAN_FRAME_SAMPLES) % p->tape_n;
}

bool plan_commits_after(const struct plan *p, unsigned frame)
{
	return !p->vad && (frame + 1) % PLAN_COMMIT_FRAMES == 0;
}

static int hear(struct plan *p, struct ear *ear, struct ear_out *out, struct error *err)
{
	for (unsigned f = 0; f < p->frames_n; f++) {
		ear_out_clear(out);
		if (ear_feed(
			ear, plan_frame(p, f), PLAN_FRAME_SAMPLES * sizeof(int16_t), out, err) < 0)
			return -1;
		if (plan_commits_after(p, f) && ear_commit(ear, out, err) < 0)
			return -1;
		for (size_t i = 0; i < out->events_n; i++) {
			if (out->events[i].kind == EAR_SPEECH_START)
				p->due[f] |= PLAN_START;
			if (out->events[i].kind == EAR_SPEECH_END)
				p->due[f] |= PLAN_END;
		}
	}
	return 0;
}

int plan_make(
    struct plan *p, const struct endpoint_config *endpoint, unsigned frames, struct error *err)
{
	struct ear_config cfg = { .format = { ENCODING_S16LE, EAR_RATE_HZ, 1 },
		.endpoint = *endpoint };
	struct ear_out out = { 0 };
	struct ear *ear;
	int rc;

	p->vad = endpoint->endpointing == ENDPOINTING_VAD;
	p->frames_n = frames;
	p->due = xcalloc(frames, 1);
	ear = ear_new(&cfg, err);
	if (ear == NULL)
		return -1;
	rc = hear(p, ear, &out, err);
	ear_free(&ear);
	ear_out_done(&out);
	return rc;
}

void plan_done(struct plan *p)
{
	free(p->due);
	p->due = NULL;
}

/* The pause has the faint noise of a quiet room: no recording is silent to the last bit. */
int16_t *plan_tape(const struct clip *clip, unsigned pause_ms, size_t *n_out)
{
	size_t pause = (size_t)pause_ms * EAR_RATE_HZ / 1000;
	size_t n = (clip->n + pause) / PLAN_FRAME_SAMPLES * PLAN_FRAME_SAMPLES;
	int16_t *tape = xcalloc(n, sizeof *tape);
	uint32_t noise = 1;

	memcpy(tape, clip->samples, MIN(n, clip->n) * sizeof *tape);
	for (size_t i = clip->n; i < n; i++) {
		noise = noise * 1664525 + 1013904223;
		tape[i] = (int16_t)((int)(noise >> 28) - 8);
	}
	*n_out = n;
	return tape;
}
