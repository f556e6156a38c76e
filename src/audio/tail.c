#include "audio/tail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Of the search for the quietest moment: the sliding stretch and its steps, in samples of 16 kHz. */
enum { STEP_SAMPLES = 160, STRETCH_STEPS = 10, STRETCH_SAMPLES = STEP_SAMPLES * STRETCH_STEPS };

void tail_done(struct tail *t)
{
	free(t->ring);
	*t = (struct tail){ .from = t->to, .to = t->to };
}

int tail_resize(struct tail *t, size_t cap)
{
	struct tail bigger = { .cap = cap, .from = t->from, .to = t->from };
	size_t kept = (size_t)(t->to - t->from);

	assert(kept <= cap);
	if (cap == t->cap)
		return 0;
	bigger.ring = malloc(MAX(cap, (size_t)1) * sizeof *bigger.ring);
	if (bigger.ring == NULL)
		return -1;
	while (bigger.to < t->to) {
		size_t at = (size_t)(bigger.to % t->cap);

		tail_push(&bigger, t->ring + at, (size_t)MIN(t->to - bigger.to, t->cap - at));
	}
	free(t->ring);
	*t = bigger;
	return 0;
}

void tail_push(struct tail *t, const int16_t *samples, size_t n)
{
	assert(t->to - t->from + n <= t->cap);
	while (n > 0) {
		size_t at = (size_t)(t->to % t->cap), k = MIN(n, t->cap - at);

		memcpy(t->ring + at, samples, k * sizeof *samples);
		t->to += k;
		samples += k;
		n -= k;
	}
}

void tail_drop_before(struct tail *t, uint64_t at)
{
	assert(at <= t->to);
	t->from = MAX(t->from, at);
}

void tail_read(const struct tail *t, uint64_t from, uint64_t to, int16_t *out)
{
	assert(t->from <= from && from <= to && to <= t->to);
	while (from < to) {
		size_t at = (size_t)(from % t->cap), k = (size_t)MIN(to - from, t->cap - at);

		memcpy(out, t->ring + at, k * sizeof *out);
		from += k;
		out += k;
	}
}

static uint64_t step_energy(const struct tail *t, uint64_t from)
{
	int16_t step[STEP_SAMPLES];
	uint64_t sum = 0;

	tail_read(t, from, from + STEP_SAMPLES, step);
	for (size_t i = 0; i < STEP_SAMPLES; i++)
		sum += (uint64_t)((int32_t)step[i] * step[i]);
	return sum;
}

uint64_t tail_quietest(const struct tail *t, uint64_t from, uint64_t to)
{
	uint64_t recent[STRETCH_STEPS] = { 0 }, sum = 0, least = UINT64_MAX, best = to;
	size_t i = 0;

	for (uint64_t at = from; at + STEP_SAMPLES <= to; at += STEP_SAMPLES, i++) {
		sum -= recent[i % STRETCH_STEPS];
		recent[i % STRETCH_STEPS] = step_energy(t, at);
		sum += recent[i % STRETCH_STEPS];
		if (i + 1 >= STRETCH_STEPS && sum <= least) {
			least = sum;
			best = at + STEP_SAMPLES - STRETCH_SAMPLES / 2;
		}
	}
	return best;
}
