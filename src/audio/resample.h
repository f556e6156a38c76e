/* resample: mono floats of one rate in, 16 kHz 16-bit samples out. What comes out does not depend on how
 * the input was cut up; only when it comes does, by 12 ms at most.
 * Pure; one thread at a time. */
#ifndef AUDIO_RESAMPLE_H
#define AUDIO_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct resample;

/* Of one call. */
enum { RESAMPLE_IN_MAX = 256, RESAMPLE_OUT_MAX = 1024 };

/* Never NULL. rate_hz 8000..48000. Holds no filter before the first samples come, and none at 16 kHz. */
struct resample *resample_new(unsigned rate_hz);
void resample_free(struct resample **r);

/* Takes `n` <= RESAMPLE_IN_MAX samples, writes at most RESAMPLE_OUT_MAX; *done_out says how many.
 * -1 when memory is out. */
int resample_feed(struct resample *r, const float *in, size_t n, int16_t *out, size_t *done_out,
    struct error *err);
/* Gives what the filter still holds, so that all outputs together are the input's duration, to the nearest
 * sample; call it until *done_out is 0. More may be fed then: that starts from silence. The filter's
 * memory is given back until it does. */
int resample_flush(struct resample *r, int16_t *out, size_t *done_out, struct error *err);

#endif
