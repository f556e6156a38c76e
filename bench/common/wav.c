#include "common/wav.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { CHUNK_HEAD = 8, FMT_BYTES = 16, FILE_BYTES_MAX = 1 << 30 };

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_pcm16_mono(const uint8_t *fmt)
{
	return get32(fmt) == (1u << 16 | 1u) && (fmt[14] | fmt[15] << 8) == 16;
}

static int take_samples(struct wav *wav, const uint8_t *p, size_t bytes, struct error *err)
{
	wav->n = bytes / 2;
	wav->samples = malloc(bytes + 1);
	if (wav->samples == NULL)
		return error_set(err, ERROR_SYSTEM, "out of memory for %zu samples", wav->n);
	for (size_t i = 0; i < wav->n; i++)
		wav->samples[i] = (int16_t)(uint16_t)(p[2 * i] | p[2 * i + 1] << 8);
	return 0;
}

static int parse(struct wav *wav, const uint8_t *p, size_t n, struct error *err)
{
	size_t at = 12;

	if (n < at || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
		return error_set(err, ERROR_INVALID, "is not a WAV file");
	while (n - at >= CHUNK_HEAD) {
		const uint8_t *body = p + at + CHUNK_HEAD;
		size_t left = n - at - CHUNK_HEAD, size = get32(p + at + 4);

		size = size < left ? size : left;
		if (memcmp(p + at, "fmt ", 4) == 0 && size >= FMT_BYTES) {
			if (!is_pcm16_mono(body))
				return error_set(err, ERROR_INVALID, "is not 16-bit PCM, mono");
			wav->rate_hz = get32(body + 4);
		} else if (memcmp(p + at, "data", 4) == 0 && wav->rate_hz > 0) {
			return take_samples(wav, body, size, err);
		}
		at += CHUNK_HEAD + size + (size % 2 != 0 && size < left ? 1 : 0);
	}
	return error_set(err, ERROR_INVALID, "has no audio");
}

/* The caller frees what is returned. */
static uint8_t *read_file(const char *path, size_t *n, struct error *err)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long size = -1;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size >= 0 && size <= FILE_BYTES_MAX && fseek(f, 0, SEEK_SET) == 0)
		bytes = malloc((size_t)size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t)size, f) != (size_t)size) {
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot read it");
		free(bytes);
		bytes = NULL;
	}
	if (f != NULL)
		(void)fclose(f);
	*n = (size_t)size;
	return bytes;
}

int wav_read(struct wav *wav, const char *path, struct error *err)
{
	size_t n;
	uint8_t *bytes = read_file(path, &n, err);
	int result;

	*wav = (struct wav){ 0 };
	result = bytes == NULL ? -1 : parse(wav, bytes, n, err);
	free(bytes);
	return result == 0 ? 0 : error_prefix(err, "%s", path);
}

void wav_done(struct wav *wav)
{
	free(wav->samples);
	*wav = (struct wav){ 0 };
}
