#include "audio/vad.h"

#include <stdlib.h>

#include "audio/vad_internal.h"

struct vad *vad_new(double sensitivity, unsigned rate_hz, const struct vad_silero_weights *weights)
{
	if (weights != NULL)
		return vad_silero_new(sensitivity, weights);
	return vad_sohn_new(sensitivity, rate_hz);
}

void vad_free(struct vad **vad)
{
	free(*vad);
	*vad = NULL;
}

unsigned vad_delay_hops(const struct vad *vad)
{
	return vad->delay_hops;
}

unsigned vad_pad_hops(const struct vad *vad)
{
	return vad->pad_hops;
}

enum vad_decision vad_hop(struct vad *vad, const int16_t *samples)
{
	return vad->hop(vad, samples);
}
