#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/vad_silero_weights.h"
#include "audio/weights_found.h"
#include "base/error.h"
#include "base/util.h"

enum { SKIPPED = 77, HEAD = 106, WHOLE = 885098 };

static unsigned char *file;
static size_t file_n;

/* Bytes at a place are others; or, without any, the file ends there. */
static struct row {
	const char *name;
	size_t at;
	const char *bytes;
	size_t bytes_n;
	const char *why;
} rows[] = {
	{ "nothing", 0, NULL, 0, "no ggml file" },
	{ "cut in the magic number", 3, NULL, 0, "no ggml file" },
	{ "cut in the dimensions", HEAD - 1, NULL, 0, "cut within its first" },
	{ "no tensors at all", HEAD, NULL, 0, "is missing" },
	{ "cut in a tensor's head", HEAD + 5, NULL, 0, "cut within a tensor" },
	{ "cut in a tensor's numbers", 5000, NULL, 0, "cut within a tensor" },
	{ "cut by one byte", WHOLE - 1, NULL, 0, "cut within a tensor" },
	{ "another format", 0, "GGUF", 4, "no ggml file" },
	{ "another network", 8, "whisper", 7, "other weights" },
	{ "another version", 18, "\x05", 1, "only version 6.2" },
	{ "another shape of the network", 42, "\x82", 1, "only version 6.2" },
	{ "more dimensions than there are", HEAD, "\xff\xff\xff\x7f", 4, "2147483647 dimensions" },
	{ "a name that is too long", HEAD + 4, "\xff\xff\xff\xff", 4,
	    "a name of 4294967295 bytes" },
	{ "a name that nobody knows", HEAD + 24, "?", 1, "not the network's" },
	{ "another type", HEAD + 8, "\x00", 1, "another type or shape" },
	{ "another shape", HEAD + 12, "\x04", 1, "another type or shape" },
	{ "infinity", 4000, "\x00\x7c\x00\x7c", 4, "no number of a network" },
	{ "a transform without symmetry", 800000, "\x11\x22\x33", 3, "not a Fourier transform" },
};

static void test_refused(void **state)
{
	const struct row *r = *state;
	size_t n = r->bytes == NULL ? r->at : file_n;
	unsigned char *bytes = malloc(n + 1); /* of just that size, so that reading on is noticed */
	struct error err = ERROR_INIT;

	bytes = realloc(bytes, n > 0 ? n : 1);
	assert_non_null(bytes);
	memcpy(bytes, file, n);
	if (r->bytes != NULL)
		memcpy(bytes + r->at, r->bytes, r->bytes_n);
	assert_null(vad_silero_weights_new(bytes, n, &err));
	if (strstr(err.text, r->why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, r->why);
	free(bytes);
}

/* The first tensor once more, in the place of what followed it. */
static void test_a_tensor_that_is_there_twice_is_refused(void **state)
{
	enum { FIRST = 99072 + 60 };
	unsigned char *bytes = xcalloc(file_n + FIRST, 1);
	struct error err = ERROR_INIT;

	(void)state;
	memcpy(bytes, file, file_n);
	memcpy(bytes + file_n, file + HEAD, FIRST);
	assert_null(vad_silero_weights_new(bytes, file_n + FIRST, &err));
	assert_non_null(strstr(err.text, "there twice"));
	free(bytes);
}

static void test_the_file_is_taken(void **state)
{
	struct error err = ERROR_INIT;
	struct vad_silero_weights *w = vad_silero_weights_new(file, file_n, &err);

	(void)state;
	assert_int_equal(file_n, WHOLE);
	assert_non_null(w);
	vad_silero_weights_free(&w);
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_the_file_is_taken),
		cmocka_unit_test(test_a_tensor_that_is_there_twice_is_refused),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	int failed;

	file = weights_found_bytes(&file_n);
	if (file == NULL) {
		(void)puts("1..0 # SKIP no weights of Silero VAD here (`stenopool models pull "
			   "silero-v6.2`)");
		return SKIPPED;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_refused, NULL, NULL, &rows[i] };
	failed = cmocka_run_group_tests_name("vad_silero_weights", tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("vad_silero_weights_whole", others, NULL, NULL);
	free(file);
	return failed;
}
