#include "host/clip.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { HEADER_MAX_BYTES = 4096, RIFF_BYTES = 12, CHUNK_BYTES = 8, FORMAT_BYTES = 16 };

struct span {
	const uint8_t *data; /* inside what was read */
	size_t bytes;
};

static uint32_t le(const uint8_t *at, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static int check_format(const char *path, const uint8_t *f, size_t bytes, struct error *err)
{
	if (bytes < FORMAT_BYTES || le(f, 2) != 1 || le(f + 2, 2) != 1 || le(f + 4, 4) != 16000 ||
	    le(f + 14, 2) != 16)
		return error_set(err, ERROR_CONFIG, "%s is not 16 kHz mono of 16 bits", path);
	return 0;
}

static int find_data(
    const char *path, const uint8_t *file, size_t n, struct span *out, struct error *err)
{
	bool checked = false;

	for (size_t at = RIFF_BYTES; at + CHUNK_BYTES <= n;) {
		size_t bytes = le(file + at + 4, 4), left = n - at - CHUNK_BYTES;
		const uint8_t *body = file + at + CHUNK_BYTES;

		if (memcmp(file + at, "data", 4) == 0 && checked) {
			*out = (struct span){ body, bytes < left ? bytes : left };
			return 0;
		}
		if (memcmp(file + at, "fmt ", 4) == 0) {
			if (check_format(path, body, bytes < left ? bytes : 0, err) < 0)
				return -1;
			checked = true;
		}
		if (bytes > left)
			break;
		at += CHUNK_BYTES + bytes + (bytes & 1);
	}
	return error_set(err, ERROR_CONFIG, "%s has no audio in its RIFF header", path);
}

static int decode(
    const char *path, const uint8_t *file, size_t n, struct span *out, struct error *err)
{
	*out = (struct span){ file, n };
	if (n >= RIFF_BYTES && memcmp(file, "RIFF", 4) == 0 && memcmp(file + 8, "WAVE", 4) == 0 &&
	    find_data(path, file, n, out, err) < 0)
		return -1;
	if (out->bytes / 2 > CLIP_MAX_SAMPLES)
		return error_set(err, ERROR_LIMIT, "%s has %zu samples; at most %d", path,
		    out->bytes / 2, CLIP_MAX_SAMPLES);
	return 0;
}

int clip_read(const char *path, int16_t **samples_out, size_t *n_out, struct error *err)
{
	const size_t cap = CLIP_MAX_SAMPLES * 2 + HEADER_MAX_BYTES;
	FILE *file = fopen(path, "rbe");
	uint8_t *bytes = malloc(cap);
	int16_t *samples = NULL;
	struct span clip;
	size_t n;

	if (file == NULL || bytes == NULL) {
		(void)error_set_errno(err, ERROR_CONFIG, "%s cannot be read", path);
		goto fail;
	}
	n = fread(bytes, 1, cap, file);
	if (decode(path, bytes, n, &clip, err) < 0)
		goto fail;
	samples = malloc(clip.bytes + 1);
	if (samples == NULL) {
		(void)error_set(err, ERROR_SYSTEM, "no memory for the audio of %s", path);
		goto fail;
	}
	for (size_t i = 0; i < clip.bytes / 2; i++)
		samples[i] = (int16_t)le(clip.data + 2 * i, 2);
	*samples_out = samples;
	*n_out = clip.bytes / 2;
	(void)fclose(file);
	free(bytes);
	return 0;
fail:
	if (file != NULL)
		(void)fclose(file);
	free(bytes);
	return -1;
}
