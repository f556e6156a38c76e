/* runs: a file of megabytes that is mostly zeros, from an input of kilobytes: a run is two bytes, how many bytes follow, those, and
 * four bytes, how many zeros come then. */
#ifndef FUZZ_MODELS_RUNS_H
#define FUZZ_MODELS_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX_BYTES = 6 << 20 };

static inline uint32_t runs_number(const uint8_t *at, unsigned n)
{
	uint32_t number = 0;

	while (n-- > 0)
		number = number << 8 | at[n];
	return number;
}

/* Owned; *n_out bytes. What would be longer than RUNS_MAX_BYTES ends there. */
static inline uint8_t *runs_expand(const uint8_t *data, size_t n, size_t *n_out)
{
	uint8_t *out = calloc(1, RUNS_MAX_BYTES);
	size_t at = 0;

	while (n >= 2) {
		size_t literal = runs_number(data, 2), zeros = 0;

		literal = literal < n - 2 ? literal : n - 2;
		literal = literal < RUNS_MAX_BYTES - at ? literal : RUNS_MAX_BYTES - at;
		memcpy(out + at, data + 2, literal);
		at += literal;
		data += 2 + literal;
		n -= 2 + literal;
		if (n >= 4)
			zeros = runs_number(data, 4);
		at += zeros < RUNS_MAX_BYTES - at ? zeros : RUNS_MAX_BYTES - at;
		data += n >= 4 ? 4 : n;
		n -= n >= 4 ? 4 : n;
	}
	*n_out = at;
	return out;
}

/* Only what is there may be read: a copy of that length has its end where it ends. */
static inline uint8_t *runs_exact(const uint8_t *data, size_t n, size_t *n_out)
{
	uint8_t *all = runs_expand(data, n, n_out);
	uint8_t *exact = realloc(all, *n_out > 0 ? *n_out : 1);

	return exact != NULL ? exact : all;
}

#endif
