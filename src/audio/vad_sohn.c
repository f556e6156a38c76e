/* A statistical detector after J. Sohn, N. S. Kim and W. Sung, "A statistical model-based voice activity
 * detection", IEEE Signal Processing Letters 6(1), 1999.
 *
 * Speech and noise are taken as Gaussian in each bin of the spectrum. With the power of the frame over
 * that of the noise (post) and an estimate of the speech's share in it (prio), the logarithm of how much
 * likelier the bin is with speech than without is post * prio / (1 + prio) - log(1 + prio). prio is
 * decision-directed, after Y. Ephraim and D. Malah, "Speech enhancement using a minimum mean-square error
 * short-time spectral amplitude estimator", IEEE Trans. ASSP 32(6), 1984: nearly all of it is what the
 * frame before left, and that is what smooths the likelihood over time. The mean over the bins, each one
 * capped, is compared with a threshold to begin speech and with a lower one to stay in it.
 *
 * Where speech stands far above the noise its edges are steep and need no help; where it does not, they
 * drown. So the hang-over shrinks, and the thresholds grow, with the level: the best likelihood of late.
 *
 * What is likelier speech than noise need not be speech: in a real room there are breath, the room's echo and a noise
 * floor that wanders in the pauses. All of these lie 25 dB and more below the loudest speech of late, and there
 * hardly anything of speech does but the ends of words. So what is so weak counts as hang-over: it begins
 * nothing, and a pause that is full of it ends an utterance. What was loud is forgotten slowly, so that
 * who speaks from farther away is heard again.
 *
 * Digital silence is no noise: nothing is learnt from it, or else whatever followed it would be speech.
 *
 * The figures were fitted on nine clips of four voices in white and pink noise of 0 to 20 dB; bench/vad tells what they
 * reach. Those of what is weak were chosen on pauses with breath and echo that a network had marked, and
 * proved on other ones. */
#include "audio/vad_internal.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audio/noise.h"
#include "audio/spectrum.h"
#include "base/util.h"

enum {
	DELAY_HOPS = 3, /* speech is dated back that much: its beginning is weak */
	WHOLE_HOPS = (SPECTRUM_FRAME + VAD_HOP_SAMPLES - 1) / VAD_HOP_SAMPLES,
	BLANK_MAX = 1, /* a hop without a larger sample is no sound but the lack of it */
};

static const double BANDWIDTH = 0.45;  /* of a rate; above it filters bite */
static const float NOISE_BIAS = 1.22f; /* of the noise over its estimate, which leans to minima */
static const float POST_MAX = 2400.0f;
static const float PRIO_KEEP = 0.987f; /* the share of the frame before in prio */
static const float PRIO_MIN = 0.0012f;
static const float BIN_MAX = 1.83f;      /* so that one tone is not a voice */
static const float BEGIN = 0.0866f;      /* threshold on the mean of the bins, to begin ... */
static const float STAY = 0.0445f;       /* ... and to stay */
static const float LEVEL_DECAY = 0.999f; /* a hop */
static const float LEVEL_RAISES = 0.15f; /* thresholds, by this share of them for a level of 1 */
static const float LEVEL_SHORTENS = 1.1f;
static const float HANGOVER_HOPS = 17.0f;
static const float LOUD_SMOOTHING =
    0.85f;                               /* of the power from hop to hop, for what is called loud */
static const float LOUD_DECAY = 0.9966f; /* a hop: 1.5 dB a second */
static const float WEAK_SMOOTHING = 0.3f;
static const float WEAK_SHARE = 0.004f; /* of what was loud: 24 dB below it */

struct sohn {
	struct vad base; /* first */
	struct noise noise;
	float clean[SPECTRUM_BINS]; /* the last frame's speech power over noise power */
	float scale;                /* of the thresholds, for the sensitivity */
	float level;
	float slow, fast;   /* smoothed power of the frames */
	float loud;         /* that of speech lately */
	int bins;           /* of the spectrum, that can hold anything */
	uint32_t hops;      /* stops at DELAY_HOPS */
	uint16_t live_hops; /* since the last blank one; stops at WHOLE_HOPS */
	uint16_t hangover;  /* hops left */
	bool speech;
	int16_t frame[SPECTRUM_FRAME];
};

static int bins_below(double hz)
{
	double bin = hz * SPECTRUM_FFT / 16000.0;

	return bin > SPECTRUM_LAST ? SPECTRUM_BINS : (int)bin - SPECTRUM_FIRST + 1;
}

static bool is_blank(const int16_t *samples)
{
	for (int i = 0; i < VAD_HOP_SAMPLES; i++)
		if (samples[i] > BLANK_MAX || samples[i] < -BLANK_MAX)
			return false;
	return true;
}

static void shift_in(struct sohn *sohn, const int16_t *samples)
{
	enum { KEPT = SPECTRUM_FRAME - VAD_HOP_SAMPLES };

	memmove(sohn->frame, sohn->frame + VAD_HOP_SAMPLES, KEPT * sizeof *samples);
	memcpy(sohn->frame + KEPT, samples, VAD_HOP_SAMPLES * sizeof *samples);
}

static float likelihood(struct sohn *sohn, const float *power)
{
	float sum = 0.0f;

	for (int i = 0; i < sohn->bins; i++) {
		float post = MIN(POST_MAX, power[i] / (NOISE_BIAS * sohn->noise.power[i]));
		float prio =
		    PRIO_KEEP * sohn->clean[i] + (1.0f - PRIO_KEEP) * MAX(post - 1.0f, 0.0f);
		float gain;

		prio = MAX(prio, PRIO_MIN);
		gain = prio / (1.0f + prio);
		sum += MIN(BIN_MAX, post * gain - logf(1.0f + prio));
		sohn->clean[i] = gain * gain * post;
	}
	return sum / (float)sohn->bins;
}

static void weigh(struct sohn *sohn, const float *power)
{
	float sum = 0.0f;

	for (int i = 0; i < sohn->bins; i++)
		sum += power[i];
	sohn->slow = LOUD_SMOOTHING * sohn->slow + (1.0f - LOUD_SMOOTHING) * sum;
	sohn->fast = WEAK_SMOOTHING * sohn->fast + (1.0f - WEAK_SMOOTHING) * sum;
}

/* Of the frame that ends with this hop; nothing is learnt or found in one that is partly blank. */
static float hear(struct sohn *sohn, const int16_t *samples)
{
	float power[SPECTRUM_BINS];

	shift_in(sohn, samples);
	if (is_blank(samples)) {
		sohn->live_hops = 0;
		memset(sohn->clean, 0, sizeof sohn->clean);
		return 0.0f;
	}
	if (sohn->live_hops < WHOLE_HOPS)
		sohn->live_hops++;
	if (sohn->live_hops < WHOLE_HOPS && sohn->noise.frames == 0)
		return 0.0f;
	spectrum_power(sohn->frame, power);
	weigh(sohn, power);
	if (sohn->live_hops == WHOLE_HOPS)
		noise_update(&sohn->noise, power, sohn->bins);
	return likelihood(sohn, power);
}

static enum vad_decision decide(struct sohn *sohn, float mean)
{
	float raised;

	sohn->level = MAX(mean, LEVEL_DECAY * sohn->level);
	raised = sohn->scale * (1.0f + LEVEL_RAISES * sohn->level);
	sohn->speech = mean > raised * (sohn->speech || sohn->hangover > 0 ? STAY : BEGIN);
	sohn->loud *= LOUD_DECAY;
	if (sohn->speech) {
		sohn->loud = MAX(sohn->loud, sohn->slow);
		sohn->hangover =
		    (uint16_t)lrintf(HANGOVER_HOPS / (1.0f + LEVEL_SHORTENS * sohn->level));
		return sohn->fast < WEAK_SHARE * sohn->loud ? VAD_HANGOVER : VAD_SPEECH;
	}
	if (sohn->hangover == 0)
		return VAD_SILENCE;
	sohn->hangover--;
	return VAD_HANGOVER;
}

static enum vad_decision hop(struct vad *vad, const int16_t *samples)
{
	struct sohn *sohn = (struct sohn *)vad;
	enum vad_decision d = decide(sohn, hear(sohn, samples));

	if (sohn->hops < DELAY_HOPS) {
		sohn->hops++;
		return VAD_SILENCE;
	}
	return d;
}

struct vad *vad_sohn_new(double sensitivity, unsigned rate_hz)
{
	struct sohn *sohn;

	if (spectrum_prepare() != 0)
		return NULL;
	sohn = calloc(1, sizeof *sohn);
	if (sohn == NULL)
		return NULL;
	sohn->base = (struct vad){ hop, DELAY_HOPS, 0 };
	sohn->scale = (float)pow(4.0, 1.0 - 2.0 * sensitivity);
	sohn->bins = bins_below(BANDWIDTH * rate_hz);
	return &sohn->base;
}
