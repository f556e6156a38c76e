/* ear_out: filling what an ear gives; ear_out_clear and ear_out_done are in ear.h.
 * For ear.c only. */
#ifndef AUDIO_EAR_OUT_H
#define AUDIO_EAR_OUT_H

#include <stddef.h>
#include <stdint.h>

struct ear_event;
struct ear_out;
struct error;

/* Room for n more samples, to be filled and then kept by ear_out_grow; NULL when memory is out. */
int16_t *ear_out_reserve(struct ear_out *out, size_t n, struct error *err);
void ear_out_grow(struct ear_out *out, size_t n);
/* Copies *event, with its audio_from or audio_to at the samples so far. -1 when memory is out. */
int ear_out_event(struct ear_out *out, const struct ear_event *event, struct error *err);

#endif
