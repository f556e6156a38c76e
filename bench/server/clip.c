#include "server/clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ear.h"
#include "base/error.h"
#include "base/util.h"

enum { MAX_UTTERANCE_MS = 120000 };

/* Through an ear that cuts nowhere: what comes out is what an instance would hear of the whole clip. */
static int hear_all(struct clip *clip, struct error *err)
{
	struct ear_config cfg = { .format = { ENCODING_S16LE, clip->wav.rate_hz, 1 },
		.endpoint = ENDPOINT_CONFIG_DEFAULT };
	struct ear_out out = { 0 };
	struct ear *ear;
	int rc;

	cfg.endpoint.endpointing = ENDPOINTING_MANUAL;
	cfg.endpoint.max_utterance_ms = MAX_UTTERANCE_MS;
	ear = ear_new(&cfg, err);
	if (ear == NULL)
		return -1;
	rc = ear_feed(ear, clip->wav.samples, clip->wav.n * sizeof *clip->wav.samples, &out, err);
	if (rc == 0)
		rc = ear_finish(ear, &out, err);
	ear_free(&ear);
	clip->samples = out.samples;
	clip->n = out.samples_n;
	out.samples = NULL;
	ear_out_done(&out);
	return rc;
}

static void take_name(struct clip *clip, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dot;

	(void)snprintf(clip->name, sizeof clip->name, "%s", slash == NULL ? path : slash + 1);
	dot = strrchr(clip->name, '.');
	if (dot != NULL)
		*dot = '\0';
}

int clip_load(struct clip *clip, const char *path, struct error *err)
{
	*clip = (struct clip){ 0 };
	take_name(clip, path);
	if (wav_read(&clip->wav, path, err) < 0)
		return -1;
	if (hear_all(clip, err) == 0)
		return 0;
	clip_done(clip);
	return error_prefix(err, "%s", path);
}

void clip_done(struct clip *clip)
{
	wav_done(&clip->wav);
	free(clip->samples);
	clip->samples = NULL;
}
