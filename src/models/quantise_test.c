#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "models/ggml_fake.h"
#include "models/quantise.h"
#include "models/sum.h"

static int add_to_sum(void *sum, const void *bytes, size_t n, struct error *err)
{
	(void)err;
	sum_add(sum, bytes, n);
	return 0;
}

static int quantise(const struct ggml_fake *f, char *hex, struct error *err)
{
	struct sum *s = sum_new();
	int rc = quantise_q8_0("/m/x.bin", f->data, f->n, add_to_sum, s, err);

	sum_finish(&s, hex);
	return rc;
}

/* The sum is that of a program of another language, which makes of tiny.en the file that whisper.cpp publishes. */
static void test_it_becomes_what_it_should(void **state)
{
	struct error err = ERROR_INIT;
	char hex[SUM_HEX_BYTES];
	struct ggml_fake f;

	(void)state;
	ggml_fake_make(&f, 51864, 0);
	assert_int_equal(quantise(&f, hex, &err), 0);
	assert_string_equal(
	    hex, "fd70b3887a163f71519ccc1170e01921731c5f9124af7550bf70eccff9ebb245");
	ggml_fake_done(&f);
}

static void test_what_is_quantised_is_refused(void **state)
{
	struct error err = ERROR_INIT;
	char hex[SUM_HEX_BYTES];
	struct ggml_fake f;

	(void)state;
	ggml_fake_make(&f, 51864, 1);
	ggml_fake_quantise(&f);
	assert_int_equal(quantise(&f, hex, &err), -1);
	assert_string_equal(err.text, "/m/x.bin is quantised already, as q8_0");
	ggml_fake_done(&f);
}

static void test_what_is_cut_is_refused(void **state)
{
	struct error err = ERROR_INIT;
	char hex[SUM_HEX_BYTES];
	struct ggml_fake f;

	(void)state;
	ggml_fake_make(&f, 51864, 1);
	f.n -= 1;
	assert_int_equal(quantise(&f, hex, &err), -1);
	assert_non_null(strstr(err.text, "/m/x.bin is cut: "));
	ggml_fake_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_becomes_what_it_should),
		cmocka_unit_test(test_what_is_quantised_is_refused),
		cmocka_unit_test(test_what_is_cut_is_refused),
	};

	return cmocka_run_group_tests_name("quantise", tests, NULL, NULL);
}
