#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/clip.h"

#define RIFF     "RIFF\xff\xff\xff\xffWAVE"
#define FMT      "fmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"
#define FMT_8KHZ "fmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
#define FMT_2CH  "fmt \x10\0\0\0\1\0\2\0\x80\x3e\0\0\0\xfa\0\0\4\0\x10\0"
#define ODD      "LIST\3\0\0\0abc\0" /* three bytes and one to make them even */
#define BYTES(s) (s), sizeof(s) - 1

static struct row {
	const char *name, *bytes;
	size_t n;
	size_t want_n;    /* samples: -2, 256, ... */
	const char *says; /* NULL: it is read */
} rows[] = {
	{ "a clip is read", BYTES(RIFF FMT "data\4\0\0\0\xfe\xff\0\1"), 2, NULL },
	{ "other chunks are passed over", BYTES(RIFF ODD FMT ODD "data\4\0\0\0\xfe\xff\0\1" ODD), 2,
	    NULL },
	{ "a length of a stream ends with the file",
	    BYTES(RIFF FMT "data\xff\xff\xff\xff\xfe\xff\0\1"), 2, NULL },
	{ "half a sample is left out", BYTES(RIFF FMT "data\3\0\0\0\xfe\xff\0"), 1, NULL },
	{ "without a header it is raw", BYTES("\xfe\xff\0\1"), 2, NULL },
	{ "no audio at all is fine", BYTES(RIFF FMT "data\0\0\0\0"), 0, NULL },
	{ "8 kHz is refused", BYTES(RIFF FMT_8KHZ "data\4\0\0\0\xfe\xff\0\1"), 0,
	    "not 16 kHz mono" },
	{ "two channels are refused", BYTES(RIFF FMT_2CH "data\4\0\0\0\xfe\xff\0\1"), 0,
	    "not 16 kHz mono" },
	{ "audio before its format is refused", BYTES(RIFF "data\4\0\0\0\xfe\xff\0\1"), 0,
	    "no audio" },
	{ "a format that is cut is refused", BYTES(RIFF "fmt \x10\0\0\0\1\0"), 0,
	    "not 16 kHz mono" },
	{ "a header alone is refused", BYTES(RIFF), 0, "no audio" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	static const int16_t want[] = { -2, 256 };
	char path[] = "/tmp/clip_test.XXXXXX";
	int fd = mkstemp(path);
	struct error err = ERROR_INIT;
	int16_t *samples = NULL;
	size_t n = 0;
	int result;

	assert_int_equal(write(fd, r->bytes, r->n), r->n);
	fd_close(&fd);
	result = clip_read(path, &samples, &n, &err);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(result, r->says == NULL ? 0 : -1);
	assert_int_equal(n, r->want_n);
	if (n > 0)
		assert_memory_equal(samples, want, n * sizeof *want);
	if (r->says != NULL &&
	    (strstr(err.text, r->says) == NULL || strstr(err.text, path) == NULL))
		fail_msg("\"%s\" does not say \"%s\" of %s", err.text, r->says, path);
	free(samples);
}

static void test_a_clip_that_is_too_long_is_refused(void **state)
{
	char path[] = "/tmp/clip_test.XXXXXX";
	int fd = mkstemp(path);
	struct error err = ERROR_INIT;
	int16_t *samples = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(ftruncate(fd, 2 * CLIP_MAX_SAMPLES + 2), 0);
	fd_close(&fd);
	assert_int_equal(clip_read(path, &samples, &n, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest)cmocka_unit_test(test_a_clip_that_is_too_long_is_refused);
	return cmocka_run_group_tests_name("clip", tests, NULL, NULL);
}
