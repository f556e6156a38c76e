#include "engine/audio_window.h"

#include "base/util.h"
#include "engine/engine.h"

enum {
	FRAME_SAMPLES = ENGINE_SAMPLE_RATE_HZ / 50,
	MARGIN_FRAMES = 128,
	/* The library's attention works on blocks of so many. What a shorter window leaves of the last one it would fill with what
	 * an earlier decode left there: somebody else's speech. */
	STEP_FRAMES = 256,
	TOKENS_PER_S = 8,
	TOKENS_AT_LEAST = 8,
};

int audio_window_frames(size_t samples, unsigned floor)
{
	size_t frames = samples / FRAME_SAMPLES + MARGIN_FRAMES;

	if (floor == 0 || frames >= AUDIO_WINDOW_FULL)
		return AUDIO_WINDOW_FULL;
	frames = (MAX(frames, floor) + STEP_FRAMES - 1) / STEP_FRAMES * STEP_FRAMES;
	return (int)MIN(frames, (size_t)AUDIO_WINDOW_FULL);
}

int audio_window_tokens(size_t samples)
{
	size_t heard = MIN(samples, (size_t)AUDIO_WINDOW_SAMPLES);

	return (int)(heard * TOKENS_PER_S / ENGINE_SAMPLE_RATE_HZ) + TOKENS_AT_LEAST;
}
