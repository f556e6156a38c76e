/* audio_window: how much of its 30 s window Whisper looks at, and how many tokens it may need.
 *
 * The encoder's cost grows with its window, which may be cut to the speech that there is. Cut too near it makes the decoder
 * repeat itself, so there is a floor for each model, which has to be measured: over 115 utterances and growing prefixes of them
 * max(512, length + 128) frames had no loop with tiny.en, and max(768, length + 128) none with base.
 *
 * Pure. A frame is one of the encoder's, 20 ms. */
#ifndef ENGINE_AUDIO_WINDOW_H
#define ENGINE_AUDIO_WINDOW_H

#include <stddef.h>

enum {
	AUDIO_WINDOW_FULL = 1500, /* frames */
	AUDIO_WINDOW_SAMPLES = AUDIO_WINDOW_FULL * 320,
};

/* Frames for an utterance of so many samples at 16 kHz; floor 0: the model's is not known. A multiple of
 * 256, or AUDIO_WINDOW_FULL, whose last block nobody ever fills. */
int audio_window_frames(size_t samples, unsigned floor);
/* More tokens than anybody says in so much audio; whoever needs them repeats himself. */
int audio_window_tokens(size_t samples);

#endif
