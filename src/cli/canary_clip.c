#include "cli/canary_clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ear.h"
#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"

enum {
	CANARY_MS = 1500,
	CANARY_SAMPLES = EAR_RATE_HZ * CANARY_MS / 1000,
	FILE_BYTES = 4 * CANARY_SAMPLES
};

static int read_start(FILE *f, struct buffer *audio, struct error *err)
{
	struct wav *w = wav_new();
	const struct format *format;
	uint8_t *bytes = xcalloc(1, FILE_BYTES);
	size_t n = fread(bytes, 1, FILE_BYTES, f), taken;
	int rc = wav_feed(w, bytes, n, &taken, audio, err);

	format = wav_format(w);
	if (rc == 0 &&
	    (format == NULL || format->encoding != ENCODING_S16LE ||
		format->rate_hz != EAR_RATE_HZ || format->channels != 1))
		rc = error_set(err, ERROR_CONFIG, "it is not 16 bit, 16 kHz, mono");
	free(bytes);
	wav_free(&w);
	return rc;
}

int16_t *canary_clip_read(const char *path, size_t *n_out)
{
	FILE *f = fopen(path, "re");
	struct buffer audio;
	struct error err;
	int16_t *samples = NULL;
	int rc = -1;

	buffer_init(&audio, FILE_BYTES);
	if (f == NULL)
		(void)error_set_errno(&err, ERROR_SYSTEM, "cannot open it");
	else
		rc = read_start(f, &audio, &err);
	if (rc < 0) {
		log_warn("no canary from %s, so /readyz tells only that the model is loaded: %s",
		    path, err.text);
	} else {
		*n_out = MIN(audio.len / sizeof *samples, (size_t)CANARY_SAMPLES);
		samples = xcalloc(*n_out + 1, sizeof *samples);
		memcpy(samples, buffer_head(&audio), *n_out * sizeof *samples);
	}
	if (f != NULL)
		(void)fclose(f);
	buffer_done(&audio);
	return samples;
}
