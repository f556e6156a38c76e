/* wav: reads the simplest kind of WAV file, 16-bit PCM and mono. For benchmarks. */
#ifndef COMMON_WAV_H
#define COMMON_WAV_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct wav {
	int16_t *samples; /* owned */
	size_t n;
	unsigned rate_hz;
};

/* -1 and a sentence that names the file. */
int wav_read(struct wav *wav, const char *path, struct error *err);
void wav_done(struct wav *wav);

#endif
