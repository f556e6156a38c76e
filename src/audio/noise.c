/* Minima controlled recursive averaging after I. Cohen and B. Berdugo, "Noise estimation by minima
 * controlled recursive averaging for robust speech enhancement", IEEE Signal Processing Letters 9(1), 2002:
 * where the smoothed power is well above its least value of the last seconds there is speech, and the
 * estimate stands still; elsewhere it follows the signal.
 *
 * Two things are added. The first frames are averaged whatever they are, since there is nothing to
 * compare them with. And the estimate is kept between one and four times the least power: so a stream that
 * began in the middle of speech, or noise that ended, is put right at the first dip instead of after a
 * window, and louder noise is learnt at once when the windows have passed what was before it.
 *
 * Until then, for 1.6 to 3.2 s and about one more, louder noise is taken for speech. Shorter windows learn
 * faster, but also learn the vowels of one who speaks without a pause: at 1 s, misses at 0 dB grow by a
 * third. */
#include "audio/noise.h"

#include "base/util.h"

enum { FIRST_FRAMES = 10, WINDOW_FRAMES = 160 };

static const float POWER_MIN = 4.0f;    /* of 16-bit samples: an RMS of 2 */
static const float SMOOTHING = 0.6f;    /* of the power, from frame to frame */
static const float SPEECH_RATIO = 3.3f; /* of smoothed to least power: above it is speech */
static const float PRESENCE_DECAY = 0.16f;
static const float LEARNING = 0.983f; /* of the estimate, where there is no speech */
static const float LEAST_MAX = 4.0f;  /* of the estimate to the least power */

static float with_neighbours(const float *power, int bins, int i)
{
	float left = power[MAX(i - 1, 0)], right = power[MIN(i + 1, bins - 1)];

	return 0.5f * power[i] + 0.25f * (left + right);
}

static void begin(struct noise *n, const float *power, int bins)
{
	for (int i = 0; i < bins; i++) {
		n->smoothed[i] = with_neighbours(power, bins, i);
		n->least[i] = n->least_next[i] = n->smoothed[i];
	}
}

static void follow_minimum(struct noise *n, const float *power, int bins)
{
	for (int i = 0; i < bins; i++) {
		float now = SMOOTHING * n->smoothed[i] +
		    (1.0f - SMOOTHING) * with_neighbours(power, bins, i);

		n->smoothed[i] = now;
		n->least[i] = MIN(n->least[i], now);
		n->least_next[i] = MIN(n->least_next[i], now);
	}
	if (n->frames % WINDOW_FRAMES != 0)
		return;
	for (int i = 0; i < bins; i++) {
		n->least[i] = n->least_next[i];
		n->least_next[i] = n->smoothed[i];
	}
}

/* How much of the estimate is kept: all of it while there is speech. */
static float keeping(struct noise *n, int i)
{
	float speech = n->smoothed[i] > SPEECH_RATIO * n->least[i] ? 1.0f : 0.0f;

	n->presence[i] = PRESENCE_DECAY * n->presence[i] + (1.0f - PRESENCE_DECAY) * speech;
	if (n->frames <= FIRST_FRAMES)
		return 1.0f - 1.0f / (float)n->frames;
	return LEARNING + (1.0f - LEARNING) * n->presence[i];
}

static void learn(struct noise *n, const float *power, int bins)
{
	for (int i = 0; i < bins; i++) {
		float keep = keeping(n, i), least = n->least[i];
		float estimate = keep * n->power[i] + (1.0f - keep) * power[i];

		n->power[i] = MAX(POWER_MIN, MAX(least, MIN(estimate, LEAST_MAX * least)));
	}
}

void noise_update(struct noise *n, const float *power, int bins)
{
	if (n->frames == 0)
		begin(n, power, bins);
	n->frames++;
	follow_minimum(n, power, bins);
	learn(n, power, bins);
}
