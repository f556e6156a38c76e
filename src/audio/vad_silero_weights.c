/* The file: a magic number, the network's name and its dimensions, which must be just those that vad_silero_net computes; then
 * tensors, each one as the number of dimensions, the length of its name, its type (0: float, 1: half), the dimensions (the fastest
 * first), the name and the numbers. First all of them are found, checked against what is left of the file; then they are laid out
 * as vad_silero_net wants them. */
#include "audio/vad_silero_weights.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/vad_silero_net.h"
#include "base/error.h"
#include "base/util.h"

enum { TYPE_FLOAT, TYPE_HALF };

enum { DIMS_MAX = 3, NAME_MAX_BYTES = 64, TAPS = 3, BASIS = 256 };

enum tensor_id {
	BASIS_T,
	LAYER_T, /* four of them, and their biases behind */
	LAYER_BIAS_T = LAYER_T + VAD_SILERO_LAYERS,
	LSTM_IN_T = LAYER_BIAS_T + VAD_SILERO_LAYERS,
	LSTM_HIDDEN_T,
	LSTM_IN_BIAS_T,
	LSTM_HIDDEN_BIAS_T,
	LAST_T,
	LAST_BIAS_T,
	TENSORS,
};

static const struct shape {
	const char *name;
	uint32_t type, dims, n[DIMS_MAX];
} shapes[TENSORS] = {
	[BASIS_T] = { "_model.stft.forward_basis_buffer", TYPE_HALF, 3, { 256, 1, 258 } },
	[LAYER_T] = { "_model.encoder.0.reparam_conv.weight", TYPE_HALF, 3, { 3, 129, 128 } },
	[LAYER_T + 1] = { "_model.encoder.1.reparam_conv.weight", TYPE_HALF, 3, { 3, 128, 64 } },
	[LAYER_T + 2] = { "_model.encoder.2.reparam_conv.weight", TYPE_HALF, 3, { 3, 64, 64 } },
	[LAYER_T + 3] = { "_model.encoder.3.reparam_conv.weight", TYPE_HALF, 3, { 3, 64, 128 } },
	[LAYER_BIAS_T] = { "_model.encoder.0.reparam_conv.bias", TYPE_FLOAT, 1, { 128 } },
	[LAYER_BIAS_T + 1] = { "_model.encoder.1.reparam_conv.bias", TYPE_FLOAT, 1, { 64 } },
	[LAYER_BIAS_T + 2] = { "_model.encoder.2.reparam_conv.bias", TYPE_FLOAT, 1, { 64 } },
	[LAYER_BIAS_T + 3] = { "_model.encoder.3.reparam_conv.bias", TYPE_FLOAT, 1, { 128 } },
	[LSTM_IN_T] = { "_model.decoder.rnn.weight_ih", TYPE_FLOAT, 2, { 128, 512 } },
	[LSTM_HIDDEN_T] = { "_model.decoder.rnn.weight_hh", TYPE_FLOAT, 2, { 128, 512 } },
	[LSTM_IN_BIAS_T] = { "_model.decoder.rnn.bias_ih", TYPE_FLOAT, 1, { 512 } },
	[LSTM_HIDDEN_BIAS_T] = { "_model.decoder.rnn.bias_hh", TYPE_FLOAT, 1, { 512 } },
	[LAST_T] = { "_model.decoder.decoder.2.weight", TYPE_HALF, 1, { 128 } },
	[LAST_BIAS_T] = { "_model.decoder.decoder.2.bias", TYPE_FLOAT, 0, { 0 } },
};

static const uint32_t MAGIC = 0x67676d6c;
static const char network[] = "silero-16k";
/* Version, samples in a window, of context; layers, each with channels in, out and taps; LSTM's inputs and cells; the last
 * layer's. Of the version the patch level may be another. */
static const uint32_t dimensions[] = { 6, 2, 0, 512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64,
	128, 3, 128, 128, 128, 1 };
enum { PATCH_LEVEL = 2 };

struct reader {
	const uint8_t *at;
	size_t left;
	const uint8_t *tensors[TENSORS]; /* where its numbers begin; NULL: not met yet */
};

static bool take_number(struct reader *r, uint32_t *out)
{
	if (r->left < 4)
		return false;
	*out = (uint32_t)r->at[0] | (uint32_t)r->at[1] << 8 | (uint32_t)r->at[2] << 16 |
	    (uint32_t)r->at[3] << 24;
	r->at += 4;
	r->left -= 4;
	return true;
}

static const uint8_t *take_bytes(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->left < n)
		return NULL;
	r->at += n;
	r->left -= n;
	return at;
}

static int read_head(struct reader *r, struct error *err)
{
	uint32_t n = 0;
	const uint8_t *name;

	if (!take_number(r, &n) || n != MAGIC)
		return error_set(err, ERROR_INVALID, "this is no ggml file");
	if (!take_number(r, &n) || n != sizeof network - 1 || (name = take_bytes(r, n)) == NULL ||
	    memcmp(name, network, n) != 0)
		return error_set(err, ERROR_INVALID,
		    "this ggml file has other weights than those of Silero VAD");
	for (unsigned i = 0; i < ARRAY_SIZE(dimensions); i++) {
		if (!take_number(r, &n))
			return error_set(
			    err, ERROR_INVALID, "the file is cut within its first 106 bytes");
		if (n != dimensions[i] && i != PATCH_LEVEL)
			return error_set(err, ERROR_INVALID,
			    "dimension %u of the network is %u; only version 6.2, where it is %u, "
			    "is supported",
			    i, n, dimensions[i]);
	}
	return 0;
}

static unsigned tensor_named(const uint8_t *name, size_t n)
{
	unsigned i = 0;

	while (i < TENSORS && (strlen(shapes[i].name) != n || memcmp(shapes[i].name, name, n) != 0))
		i++;
	return i;
}

static size_t count_of(const struct shape *s)
{
	size_t n = 1;

	for (uint32_t i = 0; i < s->dims; i++)
		n *= s->n[i];
	return n;
}

static int cut(struct error *err)
{
	return error_set(err, ERROR_INVALID, "the file is cut within a tensor");
}

static int read_tensor(struct reader *r, struct error *err)
{
	uint32_t dims, name_bytes, type, n[DIMS_MAX] = { 0 };
	const uint8_t *name;
	const struct shape *s;
	unsigned id;

	if (!take_number(r, &dims) || !take_number(r, &name_bytes) || !take_number(r, &type))
		return cut(err);
	if (dims > DIMS_MAX || name_bytes > NAME_MAX_BYTES)
		return error_set(err, ERROR_INVALID,
		    "a tensor has %u dimensions and a name of %u bytes; at most %d and %d are "
		    "allowed",
		    dims, name_bytes, DIMS_MAX, NAME_MAX_BYTES);
	for (uint32_t i = 0; i < dims; i++)
		if (!take_number(r, &n[i]))
			return cut(err);
	if ((name = take_bytes(r, name_bytes)) == NULL)
		return cut(err);
	if ((id = tensor_named(name, name_bytes)) == TENSORS || r->tensors[id] != NULL)
		return error_set(
		    err, ERROR_INVALID, "a tensor is not the network's, or there twice");
	s = &shapes[id];
	if (type != s->type || dims != s->dims || memcmp(n, s->n, sizeof n) != 0)
		return error_set(err, ERROR_INVALID,
		    "tensor %s has another type or shape than it must", s->name);
	r->tensors[id] = take_bytes(r, count_of(s) * (type == TYPE_HALF ? 2 : 4));
	return r->tensors[id] == NULL ? cut(err) : 0;
}

/* Infinity and what is no number become NAN. */
static float half_at(const uint8_t *p)
{
	uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8, bits = (h & 0x7fff) << 13;
	float x;

	if ((h & 0x7c00) == 0x7c00)
		return NAN;
	memcpy(&x, &bits, sizeof x);
	x *= 0x1p112f; /* the exponents' biases differ by it */
	return h & 0x8000 ? -x : x;
}

static float float_at(const uint8_t *p)
{
	uint32_t bits =
	    (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static float number(const struct reader *r, unsigned id, size_t i)
{
	const uint8_t *p = r->tensors[id];

	return shapes[id].type == TYPE_HALF ? half_at(p + 2 * i) : float_at(p + 4 * i);
}

static int check_numbers(const struct reader *r, struct error *err)
{
	for (unsigned id = 0; id < TENSORS; id++) {
		if (r->tensors[id] == NULL)
			return error_set(
			    err, ERROR_INVALID, "tensor %s is missing", shapes[id].name);
		for (size_t i = 0; i < count_of(&shapes[id]); i++)
			if (!(fabsf(number(r, id, i)) < 1e6f))
				return error_set(err, ERROR_INVALID,
				    "tensor %s has in it what is no number of a network",
				    shapes[id].name);
	}
	return 0;
}

/* Coefficient n of bin k; sine: those behind the cosines. */
static float basis(const struct reader *r, bool sine, unsigned k, unsigned n)
{
	return number(r, BASIS_T, (size_t)(sine ? VAD_SILERO_BINS + k : k) * BASIS + n);
}

/* What lets the transform be folded. */
static bool is_symmetric(const struct reader *r, bool sine, unsigned k)
{
	float sign = sine ? -1.0f : 1.0f;

	if (basis(r, sine, k, 0) != 0.0f || (sine && basis(r, sine, k, BASIS / 2) != 0.0f))
		return false;
	for (unsigned n = 1; n < BASIS; n++) {
		float c = basis(r, sine, k, n), other = basis(r, sine, VAD_SILERO_BINS - 1 - k, n);

		if (c != sign * basis(r, sine, k, BASIS - n) ||
		    other != sign * (n % 2 == 0 ? c : -c))
			return false;
	}
	return true;
}

static int check_basis(const struct reader *r, struct error *err)
{
	for (unsigned k = 0; k < VAD_SILERO_BINS; k++)
		if (!is_symmetric(r, false, k) || !is_symmetric(r, true, k))
			return error_set(err, ERROR_INVALID,
			    "the network's first layer is not a Fourier transform with a symmetric "
			    "window");
	return 0;
}

/* There is a frame of zeros on both sides of those a layer has. Where it has two frames its first tap would see nothing else,
 * and where it has one, its first and its last. */
static const struct {
	unsigned in, out, columns, first_tap, taps;
} layers[VAD_SILERO_LAYERS] = { { 129, 128, 4, 0, 3 }, { 128, 64, 2, 0, 3 }, { 64, 64, 1, 1, 2 },
	{ 64, 128, 1, 1, 1 } };

/* Writes one weight to its place among those of `d`. */
static void put(
    struct vad_silero_dense *d, float *weights, unsigned output, unsigned input, float x)
{
	weights[vad_silero_dense_index(d, output, input)] = x;
}

static void lay_out_layer(struct vad_silero_weights *w, const struct reader *r, unsigned l)
{
	float *weights[VAD_SILERO_LAYERS] = { w->layer_0, w->layer_1, w->layer_2, w->layer_3 };
	unsigned in = layers[l].in;
	struct vad_silero_dense *d = &w->layers[l];

	*d = (struct vad_silero_dense){ weights[l], w->layer_bias[l], in * layers[l].taps,
		layers[l].out, layers[l].columns };
	for (unsigned o = 0; o < d->outputs; o++) {
		w->layer_bias[l][o] = number(r, LAYER_BIAS_T + l, o);
		for (unsigned i = 0; i < d->inputs; i++) {
			unsigned tap = layers[l].first_tap + i / in;

			put(d, weights[l], o, i,
			    number(r, LAYER_T + l, ((size_t)o * in + i % in) * TAPS + tap));
		}
	}
}

static void lay_out_lstm(struct vad_silero_weights *w, const struct reader *r)
{
	enum { N = VAD_SILERO_CELLS };
	struct vad_silero_dense *d = &w->lstm;

	*d = (struct vad_silero_dense){ w->lstm_weights, w->lstm_bias, 2 * N, 4 * N, 1 };
	for (unsigned o = 0; o < d->outputs; o++) {
		w->lstm_bias[o] = number(r, LSTM_IN_BIAS_T, o) + number(r, LSTM_HIDDEN_BIAS_T, o);
		for (unsigned i = 0; i < N; i++) {
			put(d, w->lstm_weights, o, i, number(r, LSTM_IN_T, (size_t)o * N + i));
			put(d, w->lstm_weights, o, N + i,
			    number(r, LSTM_HIDDEN_T, (size_t)o * N + i));
		}
	}
}

/* As vad_silero_net folds samples: 1, 3, 5..., and 2, 4, 6... */
static void lay_out_transform(struct vad_silero_weights *w, const struct reader *r)
{
	enum { N = VAD_SILERO_FOLDED };

	for (unsigned f = 0; f < VAD_SILERO_FOLDS; f++) {
		bool sine = f == VAD_SILERO_EVEN_SIN || f == VAD_SILERO_ODD_SIN;
		bool even = f == VAD_SILERO_EVEN_COS || f == VAD_SILERO_EVEN_SIN;

		w->transform[f] =
		    (struct vad_silero_dense){ w->transform_weights[f], w->no_bias, N, N, 4 };
		for (unsigned k = 0; k < N; k++)
			for (unsigned i = 0; i < N; i++)
				put(&w->transform[f], w->transform_weights[f], k, i,
				    basis(r, sine, k, 2 * i + 1 + even));
	}
	for (unsigned i = 0; i < N; i++) {
		w->middle_cos[i] = basis(r, false, N, 2 * i + 2);
		w->middle_sin[i] = basis(r, true, N, 2 * i + 1);
	}
}

static struct vad_silero_weights *lay_out(const struct reader *r, struct error *err)
{
	struct vad_silero_weights *w =
	    aligned_alloc(_Alignof(struct vad_silero_weights), sizeof *w);

	if (w == NULL) {
		(void)error_set(
		    err, ERROR_SYSTEM, "out of memory for the weights of a speech detector");
		return NULL;
	}
	memset(w, 0, sizeof *w);
	w->dense = vad_silero_dense_best();
	lay_out_transform(w, r);
	for (unsigned l = 0; l < VAD_SILERO_LAYERS; l++)
		lay_out_layer(w, r, l);
	lay_out_lstm(w, r);
	for (unsigned i = 0; i < VAD_SILERO_CELLS; i++)
		w->last[i] = number(r, LAST_T, i);
	w->last_bias = number(r, LAST_BIAS_T, 0);
	return w;
}

struct vad_silero_weights *vad_silero_weights_new(const void *bytes, size_t n, struct error *err)
{
	struct reader r = { bytes, n, { NULL } };

	if (read_head(&r, err) != 0)
		return NULL;
	while (r.left > 0)
		if (read_tensor(&r, err) != 0)
			return NULL;
	if (check_numbers(&r, err) != 0 || check_basis(&r, err) != 0)
		return NULL;
	return lay_out(&r, err);
}

void vad_silero_weights_free(struct vad_silero_weights **weights)
{
	free(*weights);
	*weights = NULL;
}
