#include "models/quantise.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "models/ggml_reader.h"
#include "models/ggml_type.h"
#include "models/half.h"

enum { BLOCK = 32, BLOCK_BYTES = 34, TYPE_AT = 44 };

struct out {
	convert_write_f *write;
	void *arg;
};

static void set_u32(uint8_t *to, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(n >> 8 * i);
}

static float number_at(const struct ggml_tensor *t, size_t i)
{
	const uint8_t *b = t->data + (t->type == GGML_F16 ? 2 : 4) * i;
	uint32_t bits;
	float f;

	if (t->type == GGML_F16)
		return half_to_float((uint16_t)(b[0] | b[1] << 8));
	bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	memcpy(&f, &bits, sizeof f);
	return f;
}

/* What is too large, or no number, was no weight; the range is kept, so that the result is defined. */
static uint8_t in_byte(float f)
{
	float r = roundf(f);

	return (uint8_t)(int8_t)(r >= -128 && r <= 127 ? r : 0);
}

static void quantise_block(const struct ggml_tensor *t, size_t at, uint8_t out[BLOCK_BYTES])
{
	float largest = 0, factor, inverse;
	uint16_t half;

	for (size_t i = 0; i < BLOCK; i++)
		largest = fmaxf(largest, fabsf(number_at(t, at + i)));
	factor = largest / 127;
	inverse = factor != 0 ? 1 / factor : 0;
	half = half_from_float(factor);
	out[0] = (uint8_t)half;
	out[1] = (uint8_t)(half >> 8);
	for (size_t i = 0; i < BLOCK; i++)
		out[2 + i] = in_byte(number_at(t, at + i) * inverse);
}

static int put_blocks(const struct out *o, const struct ggml_tensor *t, struct error *err)
{
	size_t n = (size_t)t->is.dims[0] * t->is.dims[1];
	uint8_t block[BLOCK_BYTES];

	for (size_t at = 0; at < n; at += BLOCK) {
		quantise_block(t, at, block);
		if (o->write(o->arg, block, sizeof block, err) < 0)
			return -1;
	}
	return 0;
}

static int put_head(
    const struct out *o, const struct ggml_tensor *t, uint32_t type, struct error *err)
{
	uint8_t head[4 * (3 + WHISPER_DIMS_MAX)];
	size_t name_n = strlen(t->is.name);

	set_u32(head, t->is.dims_n);
	set_u32(head + 4, (uint32_t)name_n);
	set_u32(head + 8, type);
	for (unsigned i = 0; i < t->is.dims_n; i++)
		set_u32(head + 12 + 4 * i, t->is.dims[i]);
	if (o->write(o->arg, head, 12 + 4 * (size_t)t->is.dims_n, err) < 0)
		return -1;
	return o->write(o->arg, t->is.name, name_n, err);
}

static int put_tensor(const struct out *o, const struct ggml_tensor *t, struct error *err)
{
	if (t->is.kind != WHISPER_TENSOR_WEIGHT)
		return put_head(o, t, t->type, err) < 0 ? -1
							: o->write(o->arg, t->data, t->bytes, err);
	return put_head(o, t, GGML_Q8_0, err) < 0 ? -1 : put_blocks(o, t, err);
}

/* The header, but for the type at its end, and all before the first tensor stay. */
static int put_start(
    const struct out *o, const struct ggml_reader *r, const uint8_t *data, struct error *err)
{
	size_t from = ggml_reader_filters_at(r), to = ggml_reader_tensors_at(r);
	uint8_t type[4];

	set_u32(type, GGML_QUANTISATION_VERSION * GGML_QUANTISATION_FACTOR + GGML_MODEL_Q8_0);
	if (o->write(o->arg, data, TYPE_AT, err) < 0 ||
	    o->write(o->arg, type, sizeof type, err) < 0)
		return -1;
	return o->write(o->arg, data + from, to - from, err);
}

static int put_all(
    const struct out *o, struct ggml_reader *r, const uint8_t *data, struct error *err)
{
	struct ggml_tensor t;
	int more;

	if (put_start(o, r, data, err) < 0)
		return -1;
	while ((more = ggml_reader_next(r, &t, err)) == 1)
		if (put_tensor(o, &t, err) < 0)
			return -1;
	return more;
}

int quantise_q8_0(const char *path, const uint8_t *data, size_t n, convert_write_f *write,
    void *arg, struct error *err)
{
	const struct out o = { write, arg };
	struct ggml_reader *r = ggml_reader_new(path, data, n, err);
	int rc = -1;

	if (r == NULL)
		return -1;
	if (ggml_reader_type(r)->block > 1)
		(void)error_set(err, ERROR_CONFIG, "%.100s is quantised already, as %s", path,
		    ggml_reader_type(r)->name);
	else
		rc = put_all(&o, r, data, err);
	ggml_reader_free(&r);
	return rc;
}
