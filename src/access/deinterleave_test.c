#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/deinterleave.h"
#include "base/util.h"

static const char whole[] = "aAbBcCdDeEfFgGhHiIjJkKlL";

/* In pieces of every size, the channels come out the same. */
static void check(unsigned sample_bytes, const char *left, const char *right)
{
	for (size_t piece = 1; piece <= sizeof whole; piece++) {
		uint8_t a[32], b[32];
		uint8_t *out[2];
		struct deinterleave d;
		size_t n = 0;

		deinterleave_init(&d, sample_bytes, 2);
		for (size_t at = 0; at < strlen(whole); at += piece) {
			size_t take = MIN(piece, strlen(whole) - at), room;

			out[0] = a + n;
			out[1] = b + n;
			room = deinterleave_room(&d, take);
			assert_int_equal(deinterleave_read(&d, whole + at, take, out), room);
			n += room;
		}
		assert_int_equal(n, strlen(left));
		assert_memory_equal(a, left, n);
		assert_memory_equal(b, right, n);
	}
}

static void channels_come_apart_whatever_the_pieces(void **state)
{
	(void)state;
	check(1, "abcdefghijkl", "ABCDEFGHIJKL");
	check(2, "aAcCeEgGiIkK", "bBdDfFhHjJlL");
	check(4, "aAbBeEfFiIjJ", "cCdDgGhHkKlL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_come_apart_whatever_the_pieces),
	};

	return cmocka_run_group_tests_name("deinterleave", tests, NULL, NULL);
}
