/* runs: a file of megabytes that is mostly zeros, from an input of kilobytes: a run is two bytes, how many bytes follow, those, and
 * four bytes, how many zeros come then. The file ends where the room ends, so that whoever reads on is seen; and only what is not zero
 * is written and wiped, so that it costs nothing. */
#ifndef FUZZ_MODELS_RUNS_H
#define FUZZ_MODELS_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RUNS_MAX_BYTES = 6 << 20 };

static uint8_t runs_room[RUNS_MAX_BYTES];

static inline uint32_t runs_number(const uint8_t *at, unsigned n)
{
	uint32_t number = 0;

	while (n-- > 0)
		number = number << 8 | at[n];
	return number;
}

static inline size_t runs_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

enum runs_what { RUNS_MEASURE, RUNS_WRITE, RUNS_WIPE };

/* How long it is; what would be longer than the room ends there. */
static inline size_t runs_walk(const uint8_t *data, size_t n, uint8_t *to, enum runs_what what)
{
	size_t at = 0;

	while (n >= 2) {
		size_t literal = runs_least(runs_number(data, 2), n - 2), zeros_n;

		literal = runs_least(literal, RUNS_MAX_BYTES - at);
		if (what == RUNS_WRITE)
			memcpy(to + at, data + 2, literal);
		else if (what == RUNS_WIPE)
			memset(to + at, 0, literal);
		at += literal;
		data += 2 + literal;
		n -= 2 + literal;
		zeros_n = runs_least(n, 4);
		if (zeros_n == 4)
			at += runs_least(runs_number(data, 4), RUNS_MAX_BYTES - at);
		data += zeros_n;
		n -= zeros_n;
	}
	return at;
}

/* Where the file of *n_out bytes is until runs_wipe. */
static inline const uint8_t *runs_expand(const uint8_t *data, size_t n, size_t *n_out)
{
	*n_out = runs_walk(data, n, NULL, RUNS_MEASURE);
	(void)runs_walk(data, n, runs_room + RUNS_MAX_BYTES - *n_out, RUNS_WRITE);
	return runs_room + RUNS_MAX_BYTES - *n_out;
}

static inline void runs_wipe(const uint8_t *data, size_t n, size_t file_n)
{
	(void)runs_walk(data, n, runs_room + RUNS_MAX_BYTES - file_n, RUNS_WIPE);
}

#endif
