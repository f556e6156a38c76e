#define _GNU_SOURCE
#include "models/ct2_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { S = CT2_FAKE_STATE, FLOAT16 = 4, INT8 = 1 };

struct pen {
	FILE *to;
	uint32_t numbers; /* so many were written */
	int zeros;
};

static void put(struct pen *p, uint32_t n, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		(void)fputc((int)(n >> 8 * i & 255), p->to);
}

static void put_string(struct pen *p, const char *s)
{
	put(p, (uint32_t)strlen(s) + 1, 2);
	(void)fwrite(s, 1, strlen(s) + 1, p->to);
}

/* Halves of both signs, from the smallest to some 2, and none that is no number. */
static uint16_t number(uint32_t i)
{
	uint32_t mixed = i * 2654435761u;

	return (uint16_t)((mixed >> 31) << 15 | (mixed >> 8) % 0x4000);
}

static void put_variable(struct pen *p, const char *name, unsigned dims_n, const uint32_t *dims)
{
	uint32_t n = 1;

	put_string(p, name);
	put(p, dims_n, 1);
	for (unsigned i = 0; i < dims_n; i++) {
		put(p, dims[i], 4);
		n *= dims[i];
	}
	put(p, FLOAT16, 1);
	put(p, 2 * n, 4);
	for (uint32_t i = 0; i < n; i++, p->numbers++)
		put(p, p->zeros ? 0 : number(p->numbers), 2);
}

static void put_heads(struct pen *p, const char *name)
{
	put_string(p, name);
	put(p, 0, 1);
	put(p, INT8, 1);
	put(p, 1, 4);
	put(p, 2, 1);
}

/* One of "SIDE/PLACE/WHAT". */
struct row {
	const char *name;
	uint32_t rows, columns; /* columns 0: it has one dimension */
};

static const struct row layer[] = {
	{ "ffn/layer_norm/beta", S, 0 },
	{ "ffn/layer_norm/gamma", S, 0 },
	{ "ffn/linear_0/bias", 4 * S, 0 },
	{ "ffn/linear_0/weight", 4 * S, S },
	{ "ffn/linear_1/bias", S, 0 },
	{ "ffn/linear_1/weight", S, 4 * S },
	{ "self_attention/layer_norm/beta", S, 0 },
	{ "self_attention/layer_norm/gamma", S, 0 },
	{ "self_attention/linear_0/bias", 3 * S, 0 },
	{ "self_attention/linear_0/weight", 3 * S, S },
	{ "self_attention/linear_1/bias", S, 0 },
	{ "self_attention/linear_1/weight", S, S },
	{ "attention/layer_norm/beta", S, 0 },
	{ "attention/layer_norm/gamma", S, 0 },
	{ "attention/linear_0/bias", S, 0 },
	{ "attention/linear_0/weight", S, S },
	{ "attention/linear_1/bias", 2 * S, 0 },
	{ "attention/linear_1/weight", 2 * S, S },
	{ "attention/linear_2/bias", S, 0 },
	{ "attention/linear_2/weight", S, S },
};
enum { LAYER_DECODER = ARRAY_SIZE(layer), LAYER_ENCODER = 12 };

static void put_row(struct pen *p, const char *side, const char *place, const struct row *r)
{
	const uint32_t dims[2] = { r->rows, r->columns };
	char name[96];

	(void)snprintf(name, sizeof name, "%s/%s%s", side, place, r->name);
	put_variable(p, name, r->columns != 0 ? 2 : 1, dims);
}

static void put_side(struct pen *p, const char *side, unsigned rows, uint32_t places)
{
	const struct row ends[] = { { "layer_norm/beta", S, 0 }, { "layer_norm/gamma", S, 0 },
		{ "position_encodings/encodings", places, S } };
	char heads[32];

	for (unsigned i = 0; i < rows; i++)
		put_row(p, side, "layer_0/", &layer[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		put_row(p, side, "", &ends[i]);
	(void)snprintf(heads, sizeof heads, "%s/num_heads", side);
	put_heads(p, heads);
}

static void put_all(struct pen *p, uint32_t tokens)
{
	const struct row embeddings = { "embeddings/weight", tokens, S };
	const uint32_t conv1[] = { S, 80, 3 }, conv2[] = { S, S, 3 };
	const struct row bias1 = { "conv1/bias", S, 0 }, bias2 = { "conv2/bias", S, 0 };

	put(p, 6, 4);
	put_string(p, "WhisperSpec");
	put(p, 3, 4);
	put(p, LAYER_DECODER + LAYER_ENCODER + 2 * 4 + 1 + 4, 4);
	put_row(p, "decoder", "", &embeddings);
	put_side(p, "decoder", LAYER_DECODER, 448);
	put_side(p, "encoder", LAYER_ENCODER, 1500);
	put_row(p, "encoder", "", &bias1);
	put_variable(p, "encoder/conv1/weight", 3, conv1);
	put_row(p, "encoder", "", &bias2);
	put_variable(p, "encoder/conv2/weight", 3, conv2);
	put(p, 1, 4);
	put_string(p, "decoder/projection/weight");
	put_string(p, "decoder/embeddings/weight");
}

void ct2_fake_model(struct ct2_fake *f, uint32_t tokens, int zeros)
{
	struct pen p = { open_memstream((char **)&f->data, &f->n), 0, zeros };

	put_all(&p, tokens);
	(void)fclose(p.to);
}

/* The token of all bytes has each byte's character, in order. */
void ct2_fake_vocabulary(struct ct2_fake *f)
{
	FILE *to = open_memstream((char **)&f->data, &f->n);

	(void)fputs("!\n", to);
	for (unsigned c = 33; c <= 323; c++) {
		if ((c > 126 && c < 161) || c == 173)
			continue;
		if (c < 128)
			(void)fputc((int)c, to);
		else
			(void)fprintf(to, "%c%c", (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)));
	}
	(void)fputs("\n\n<|endoftext|>\n<|startoftranscript|>\n", to);
	(void)fclose(to);
}

void ct2_fake_done(struct ct2_fake *f)
{
	free(f->data);
	*f = (struct ct2_fake){ NULL, 0 };
}
