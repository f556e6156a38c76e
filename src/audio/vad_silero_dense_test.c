#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "audio/vad_silero_dense.h"
#include "base/util.h"

enum { INPUTS = 37, OUTPUTS = 128, COLUMNS = 4 };

static _Alignas(64) float weights[INPUTS * OUTPUTS], bias[OUTPUTS], y[COLUMNS * OUTPUTS];
static float x[COLUMNS * INPUTS];

static struct row {
	const char *name;
	unsigned columns;
} rows[] = { { "one column", 1 }, { "two columns", 2 }, { "four columns", 4 } };

static float weight_of(unsigned output, unsigned input)
{
	return sinf((float)(output * INPUTS + input));
}

static struct vad_silero_dense make(unsigned columns)
{
	struct vad_silero_dense d = { weights, bias, INPUTS, OUTPUTS, columns };

	for (unsigned o = 0; o < OUTPUTS; o++) {
		bias[o] = cosf((float)o);
		for (unsigned i = 0; i < INPUTS; i++)
			weights[vad_silero_dense_index(&d, o, i)] = weight_of(o, i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(x); i++)
		x[i] = sinf(3.0f * (float)i);
	return d;
}

static double expected(unsigned output, unsigned column)
{
	double sum = bias[output];

	for (unsigned i = 0; i < INPUTS; i++)
		sum += (double)weight_of(output, i) * x[column * INPUTS + i];
	return sum;
}

static void check(vad_silero_dense_f *dense, unsigned columns)
{
	struct vad_silero_dense d = make(columns);

	memset(y, 0, sizeof y);
	dense(&d, x, INPUTS, y, OUTPUTS);
	for (unsigned c = 0; c < COLUMNS; c++)
		for (unsigned o = 0; o < OUTPUTS; o++)
			assert_float_equal(
			    y[c * OUTPUTS + o], c < columns ? expected(o, c) : 0.0, 1e-5);
}

static void test_product(void **state)
{
	const struct row *r = *state;

	check(vad_silero_dense_plain, r->columns);
	check(vad_silero_dense_best(), r->columns);
}

/* An output's bits are its own: not those of how many columns went with it. */
static void test_bits_do_not_depend_on_company(void **state)
{
	static float alone[COLUMNS * OUTPUTS];
	vad_silero_dense_f *dense = vad_silero_dense_best();
	struct vad_silero_dense d = make(1);

	(void)state;
	for (unsigned c = 0; c < COLUMNS; c++) {
		dense(&d, x + c * INPUTS, 0, y, 0);
		memcpy(alone + c * OUTPUTS, y, OUTPUTS * sizeof *y);
	}
	for (unsigned columns = 2; columns <= COLUMNS; columns *= 2) {
		d = make(columns);
		dense(&d, x, INPUTS, y, OUTPUTS);
		assert_memory_equal(y, alone, columns * OUTPUTS * sizeof *y);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_product, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest)cmocka_unit_test(test_bits_do_not_depend_on_company);
	return cmocka_run_group_tests_name("vad_silero_dense", tests, NULL, NULL);
}
