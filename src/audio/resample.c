#include "audio/resample.h"

#include <assert.h>
#include <math.h>
#include <soxr.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/util.h"

enum { OUT_HZ = 16000 };

struct resample {
	unsigned rate_hz;
	soxr_t soxr;        /* owned; NULL while nothing is in it, and always at 16 kHz */
	uint64_t in_total;  /* samples of rate_hz */
	uint64_t out_total; /* samples of 16 kHz */
	int16_t last;       /* what was written last */
};

struct resample *resample_new(unsigned rate_hz)
{
	struct resample *r = xcalloc(1, sizeof *r);

	r->rate_hz = rate_hz;
	return r;
}

void resample_free(struct resample **r)
{
	if (*r == NULL)
		return;
	if ((*r)->soxr != NULL)
		soxr_delete((*r)->soxr);
	free(*r);
	*r = NULL;
}

/* Flat to 7.2 kHz; what is between 8 and 8.8 kHz folds back onto 7.2 to 8, where there is little speech.
 * That wide transition, and the small transforms, keep the filter at 40-80 KB and its delay under 12 ms;
 * soxr's own recipe of this quality takes 58-100 KB and 54 ms. */
static int filter_open(struct resample *r, struct error *err)
{
	soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_INT16_I);
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_MQ, 0);
	soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
	soxr_error_t why = NULL;

	io.flags |= SOXR_NO_DITHER; /* it would be random */
	quality.passband_end = 0.9;
	quality.stopband_begin = 1.1;
	runtime.log2_min_dft_size = 8;
	runtime.log2_large_dft_size = 8;
	r->soxr = soxr_create(r->rate_hz, OUT_HZ, 1, &why, &io, &quality, &runtime);
	if (r->soxr == NULL || why != NULL)
		return error_set(err, ERROR_SYSTEM, "cannot resample from %u Hz: %s", r->rate_hz,
		    why == NULL ? "out of memory" : soxr_strerror(why));
	return 0;
}

static int16_t rounded(float x)
{
	float scaled = x * 32768.0f;

	return (int16_t)lrintf(scaled < -32768.0f ? -32768.0f
		: scaled > 32767.0f               ? 32767.0f
						  : scaled);
}

int resample_feed(struct resample *r, const float *in, size_t n, int16_t *out, size_t *done_out,
    struct error *err)
{
	size_t taken = 0;
	soxr_error_t why;

	assert(n <= RESAMPLE_IN_MAX);
	r->in_total += n;
	*done_out = n;
	if (r->rate_hz == OUT_HZ) {
		for (size_t i = 0; i < n; i++)
			out[i] = rounded(in[i]);
		return 0;
	}
	if (r->soxr == NULL && filter_open(r, err) != 0)
		return -1;
	why = soxr_process(r->soxr, in, n, &taken, out, RESAMPLE_OUT_MAX, done_out);
	if (why != NULL)
		return error_set(err, ERROR_SYSTEM, "cannot resample: %s", soxr_strerror(why));
	assert(taken == n);
	r->out_total += *done_out;
	if (*done_out > 0)
		r->last = out[*done_out - 1];
	return 0;
}

/* Each flush rounds; without this the rounding would add up over a session of many. */
static size_t to_duration(struct resample *r, int16_t *out, size_t done)
{
	uint64_t want = (r->in_total * OUT_HZ + r->rate_hz / 2) / r->rate_hz;

	if (done > 0)
		r->last = out[done - 1];
	if (r->out_total + done > want)
		done = want > r->out_total ? (size_t)(want - r->out_total) : 0;
	else if (done == 0 && r->out_total < want)
		out[done++] = r->last;
	r->out_total += done;
	return done;
}

int resample_flush(struct resample *r, int16_t *out, size_t *done_out, struct error *err)
{
	soxr_error_t why;

	*done_out = 0;
	if (r->soxr == NULL)
		return 0;
	why = soxr_process(r->soxr, NULL, 0, NULL, out, RESAMPLE_OUT_MAX, done_out);
	if (why != NULL)
		return error_set(err, ERROR_SYSTEM, "cannot resample: %s", soxr_strerror(why));
	*done_out = to_duration(r, out, *done_out);
	if (*done_out == 0) {
		soxr_delete(r->soxr);
		r->soxr = NULL;
	}
	return 0;
}
