/* The network decides about windows of 32 ms. Their edges are not those of hops: a hop is what the window is that its middle
 * lies in, and three hops later that window is always whole.
 *
 * Thresholds as its authors use them (their get_speech_timestamps): speech begins in a window whose probability is at
 * least the threshold and ends in one that is more than 0.15 below it; it is taken to begin 30 ms earlier. It needs no hang-over:
 * what has weak ends is one stretch to the network.
 *
 * Digital silence is not computed: where all samples have been within QUIET_MAX of zero for QUIET_WINDOWS in a row, no speech is
 * possible, and what the LSTM keeps has long become what silence makes of it. It stands still until there is sound again, and the
 * window with the first of it is computed as any other. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audio/vad_internal.h"
#include "audio/vad_silero_net.h"
#include "base/util.h"

enum {
	DELAY_HOPS = 3,
	PAD_HOPS = 3,
	QUIET_MAX = 2,
	QUIET_WINDOWS = 32,
};

static const float HYSTERESIS = 0.15f;
static const float THRESHOLD_MIN = 0.02f, THRESHOLD_MAX = 0.98f, LEAVE_MIN = 0.01f;

struct silero {
	struct vad base;                          /* first */
	const struct vad_silero_weights *weights; /* borrowed */
	struct vad_silero_state state;
	float begin, leave; /* thresholds: from here on it is speech, below that no more */
	enum vad_decision now, before; /* about the last whole window, and the one before */
	uint64_t hops, windows;        /* whole ones so far */
	uint16_t filled;               /* samples of the window that is not */
	uint8_t quiet; /* windows without a sound in a row; stops at QUIET_WINDOWS */
	int16_t window[VAD_SILERO_WINDOW];
};

static bool is_quiet(const int16_t *window)
{
	for (int i = 0; i < VAD_SILERO_WINDOW; i++)
		if (window[i] > QUIET_MAX || window[i] < -QUIET_MAX)
			return false;
	return true;
}

static float hear(struct silero *s)
{
	bool quiet = is_quiet(s->window);

	if (quiet && s->quiet == QUIET_WINDOWS)
		return 0.0f;
	s->quiet = quiet ? (uint8_t)(s->quiet + 1) : 0;
	return vad_silero_net_step(s->weights, &s->state, s->window);
}

static enum vad_decision decide(const struct silero *s, float probability)
{
	float threshold = s->now == VAD_SPEECH ? s->leave : s->begin;

	return probability >= threshold ? VAD_SPEECH : VAD_SILENCE;
}

static void take(struct silero *s, const int16_t *samples, size_t n)
{
	enum vad_decision d;

	memcpy(s->window + s->filled, samples, n * sizeof *samples);
	s->filled = (uint16_t)(s->filled + n);
	if (s->filled < VAD_SILERO_WINDOW)
		return;
	d = decide(s, hear(s));
	s->before = s->now;
	s->now = d;
	s->windows++;
	s->filled = 0;
}

static enum vad_decision hop(struct vad *vad, const int16_t *samples)
{
	struct silero *s = (struct silero *)vad;
	size_t first = MIN((size_t)VAD_HOP_SAMPLES, (size_t)(VAD_SILERO_WINDOW - s->filled));
	uint64_t about = s->hops++, middle;

	take(s, samples, first);
	if (first < VAD_HOP_SAMPLES)
		take(s, samples + first, VAD_HOP_SAMPLES - first);
	if (about < DELAY_HOPS)
		return VAD_SILENCE;
	middle = (about - DELAY_HOPS) * VAD_HOP_SAMPLES + VAD_HOP_SAMPLES / 2;
	return middle / VAD_SILERO_WINDOW + 1 == s->windows ? s->now : s->before;
}

struct vad *vad_silero_new(double sensitivity, const struct vad_silero_weights *weights)
{
	struct silero *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->base = (struct vad){ hop, DELAY_HOPS, PAD_HOPS };
	s->weights = weights;
	s->begin = MAX(THRESHOLD_MIN, MIN(THRESHOLD_MAX, (float)(1.0 - sensitivity)));
	s->leave = MAX(LEAVE_MIN, s->begin - HYSTERESIS);
	return &s->base;
}
