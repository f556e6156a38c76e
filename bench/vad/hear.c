/* vad_hear: what both detectors hear in a recording.
 *
 *   vad_hear FILE...     16 kHz mono, 16 bits, without a header
 *
 *   vad_hear --probabilities FILE     what the network says of each window of 512 samples, a line each
 *
 * A line for each file and detector: name, detector, per cent of the time that is speech, utterances, seconds that are in utterances, and the
 * pauses of 600 ms and more between them (from-to, in seconds). The network is left out where its weights are not there. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ear.h"
#include "audio/vad.h"
#include "audio/vad_silero_net.h"
#include "audio/vad_silero_weights.h"
#include "audio/weights_found.h"
#include "base/error.h"
#include "base/util.h"

enum { RATE_HZ = 16000, SAMPLES_MAX = 3600 * RATE_HZ };

static const double SENSITIVITY = 0.5;

static size_t read_file(const char *path, int16_t *samples)
{
	FILE *f = fopen(path, "rbe");
	size_t n;

	if (f == NULL) {
		(void)fprintf(stderr, "vad_hear: cannot read %s\n", path);
		exit(2);
	}
	n = fread(samples, sizeof *samples, SAMPLES_MAX, f);
	(void)fclose(f);
	return n;
}

static double speech_percent(
    const int16_t *samples, size_t n, const struct vad_silero_weights *weights)
{
	struct vad *vad = vad_new(SENSITIVITY, RATE_HZ, weights);
	size_t hops = n / VAD_HOP_SAMPLES, speech = 0;

	for (size_t i = 0; i < hops; i++)
		speech += vad_hop(vad, samples + i * VAD_HOP_SAMPLES) != VAD_SILENCE;
	vad_free(&vad);
	return 100.0 * (double)speech / (double)MAX(hops, (size_t)1);
}

static void print_utterances(const struct ear_out *out)
{
	uint64_t in = 0, ended = 0;
	size_t n = 0;

	for (size_t i = 0; i < out->events_n; i++) {
		n += out->events[i].kind == EAR_SPEECH_START;
		if (out->events[i].kind == EAR_SPEECH_START)
			in -= out->events[i].at;
		else
			in += out->events[i].at;
	}
	printf(" %zu %.1f", n, (double)in / RATE_HZ);
	for (size_t i = 0; i < out->events_n; i++) {
		const struct ear_event *e = &out->events[i];

		if (e->kind == EAR_SPEECH_END)
			ended = e->cause == EAR_CAUSE_SILENCE ? e->speech_at : 0;
		else if (ended > 0)
			printf(
			    " %.2f-%.2f", (double)ended / RATE_HZ, (double)e->speech_at / RATE_HZ);
	}
	printf("\n");
}

static void hear(const char *path, const int16_t *samples, size_t n, const char *name,
    const struct vad_silero_weights *weights)
{
	struct ear_config cfg = { { ENCODING_S16LE, RATE_HZ, 1 }, ENDPOINT_CONFIG_DEFAULT, 0 };
	struct ear_out out = { 0 };
	struct error err = ERROR_INIT;
	struct ear *ear;

	cfg.endpoint.weights = weights;
	ear = ear_new(&cfg, &err);
	if (ear == NULL || ear_feed(ear, samples, n * sizeof *samples, &out, &err) != 0 ||
	    ear_finish(ear, &out, &err) != 0) {
		(void)fprintf(stderr, "vad_hear: %s\n", err.text);
		exit(2);
	}
	printf("%s %s %.2f", path, name, speech_percent(samples, n, weights));
	print_utterances(&out);
	ear_out_done(&out);
	ear_free(&ear);
}

static void print_probabilities(
    const int16_t *samples, size_t n, const struct vad_silero_weights *weights)
{
	struct vad_silero_state state = { 0 };

	for (size_t at = 0; at + VAD_SILERO_WINDOW <= n; at += VAD_SILERO_WINDOW)
		printf("%.9g\n", vad_silero_net_step(weights, &state, samples + at));
}

int main(int argc, char **argv)
{
	struct vad_silero_weights *weights = weights_found();
	int16_t *samples = xcalloc(SAMPLES_MAX, sizeof *samples);

	if (argc == 3 && strcmp(argv[1], "--probabilities") == 0 && weights != NULL) {
		print_probabilities(samples, read_file(argv[2], samples), weights);
		argc = 0;
	}
	for (int i = 1; i < argc; i++) {
		size_t n = read_file(argv[i], samples);

		hear(argv[i], samples, n, "statistical", NULL);
		if (weights != NULL)
			hear(argv[i], samples, n, "silero", weights);
	}
	free(samples);
	vad_silero_weights_free(&weights);
	return 0;
}
