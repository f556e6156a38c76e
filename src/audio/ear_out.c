#include "audio/ear_out.h"

#include <assert.h>
#include <stdlib.h>

#include "audio/ear.h"
#include "base/error.h"
#include "base/util.h"

enum { FIRST_SAMPLES = 512, FIRST_EVENTS = 4 };

void ear_out_clear(struct ear_out *out)
{
	out->events_n = 0;
	out->samples_n = 0;
}

void ear_out_done(struct ear_out *out)
{
	free(out->events);
	free(out->samples);
	*out = (struct ear_out){ 0 };
}

int16_t *ear_out_reserve(struct ear_out *out, size_t n, struct error *err)
{
	size_t cap = MAX(out->samples_cap * 2, MAX(out->samples_n + n, (size_t)FIRST_SAMPLES));
	int16_t *samples;

	if (n <= out->samples_cap - out->samples_n && out->samples != NULL)
		return out->samples + out->samples_n;
	samples = realloc(out->samples, cap * sizeof *samples);
	if (samples == NULL) {
		(void)error_set(err, ERROR_SYSTEM, "out of memory for %zu samples of audio", cap);
		return NULL;
	}
	out->samples = samples;
	out->samples_cap = cap;
	return out->samples + out->samples_n;
}

void ear_out_grow(struct ear_out *out, size_t n)
{
	assert(n <= out->samples_cap - out->samples_n);
	out->samples_n += n;
}

int ear_out_event(struct ear_out *out, const struct ear_event *event, struct error *err)
{
	size_t cap = MAX(out->events_cap * 2, (size_t)FIRST_EVENTS);
	struct ear_event *to;

	if (out->events_n == out->events_cap) {
		to = realloc(out->events, cap * sizeof *to);
		if (to == NULL)
			return error_set(err, ERROR_SYSTEM, "out of memory for %zu events", cap);
		out->events = to;
		out->events_cap = cap;
	}
	to = &out->events[out->events_n++];
	*to = *event;
	to->audio_from = event->kind == EAR_SPEECH_START ? out->samples_n : 0;
	to->audio_to = event->kind == EAR_SPEECH_START ? 0 : out->samples_n;
	return 0;
}
