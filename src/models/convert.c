/* CTranslate2 keeps the numbers as they are, and joins what it multiplies at once: query, key and value lie in one matrix, one
 * below the other, and keys have a bias of zeros. So a tensor of ggml's is a run of rows of a variable (whisper_tensors). Numbers
 * that ggml wants in 32 bits become that without loss. What CTranslate2 has not, the filters of the mel bands, is computed as
 * librosa does it. */
#include "models/convert.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "models/ct2.h"
#include "models/ggml_type.h"
#include "models/half.h"
#include "models/tokens.h"
#include "models/whisper_tensors.h"

struct out {
	convert_write_f *write;
	void *arg;
};

static int put(const struct out *o, const void *bytes, size_t n, struct error *err)
{
	return o->write(o->arg, bytes, n, err);
}

static int put_u32(const struct out *o, uint32_t n, struct error *err)
{
	const uint8_t bytes[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16),
		(uint8_t)(n >> 24) };

	return put(o, bytes, sizeof bytes, err);
}

static int put_numbers(const struct out *o, const uint32_t *numbers, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (put_u32(o, numbers[i], err) < 0)
			return -1;
	return 0;
}

static int put_float(const struct out *o, float f, struct error *err)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	return put_u32(o, bits, err);
}

/* ---- what it is ---- */

/* NULL: it is not there, or is no such thing. */
static const uint32_t *shape_of(
    const struct ct2 *c, const char *name, unsigned dims_n, struct error *err)
{
	const struct ct2_variable *v = ct2_find(c, name, err);

	if (v == NULL || v->dims_n == dims_n)
		return v != NULL ? v->dims : NULL;
	(void)error_set(err, ERROR_CONFIG,
	    "the weights have a variable %s of %u dimensions; it should have %u", name, v->dims_n,
	    dims_n);
	return NULL;
}

/* A whole number of one to eight bytes. */
static int take_number(const struct ct2 *c, const char *name, uint32_t *out, struct error *err)
{
	const struct ct2_variable *v = ct2_find(c, name, err);
	uint64_t n = 0;

	if (v == NULL)
		return -1;
	for (size_t i = MIN(v->bytes, 8); i-- > 0;)
		n = n << 8 | v->data[i];
	if (v->bytes == 0 || v->bytes > 8 || n > UINT32_MAX)
		return error_set(
		    err, ERROR_CONFIG, "the weights have a %s that is no number", name);
	*out = (uint32_t)n;
	return 0;
}

static int take_shapes(const struct ct2 *c, struct whisper_sizes *s, struct error *err)
{
	const uint32_t *tokens = shape_of(c, "decoder/embeddings/weight", 2, err);
	const uint32_t *audio = shape_of(c, "encoder/position_encodings/encodings", 2, err);
	const uint32_t *text = shape_of(c, "decoder/position_encodings/encodings", 2, err);
	const uint32_t *conv = shape_of(c, "encoder/conv1/weight", 3, err);

	if (tokens == NULL || audio == NULL || text == NULL || conv == NULL)
		return -1;
	s->vocabulary = tokens[0];
	s->audio_ctx = audio[0];
	s->audio_state = audio[1];
	s->text_ctx = text[0];
	s->text_state = text[1];
	s->mels = conv[1];
	return 0;
}

static int take_sizes(const struct ct2 *c, struct whisper_sizes *s, struct error *err)
{
	if (take_shapes(c, s, err) < 0 ||
	    take_number(c, "encoder/num_heads", &s->audio_heads, err) < 0 ||
	    take_number(c, "decoder/num_heads", &s->text_heads, err) < 0)
		return -1;
	s->audio_layers = ct2_layers(c, "encoder");
	s->text_layers = ct2_layers(c, "decoder");
	return whisper_sizes_check(s, err);
}

static int put_header(const struct out *o, const struct whisper_sizes *s, struct error *err)
{
	const uint32_t header[] = { GGML_MAGIC, s->vocabulary, s->audio_ctx, s->audio_state,
		s->audio_heads, s->audio_layers, s->text_ctx, s->text_state, s->text_heads,
		s->text_layers, s->mels, GGML_F16 };

	return put_numbers(o, header, ARRAY_SIZE(header), err);
}

/* ---- the mel bands ---- */

/* Slaney's scale: even steps up to 1000 Hz, even ratios from there on. */
static double hz_of_mel(double mel, double step)
{
	return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * step);
}

static double edge_hz(unsigned i, uint32_t mels)
{
	const double half_rate = 16000 / 2.0, step = log(6.4) / 27;
	const double top = 15 + log(half_rate / 1000) / step;

	return i == mels + 1 ? half_rate : hz_of_mel(i * top / (mels + 1), step);
}

/* Each is a triangle of area one. The sums are those of numpy, in 32 bits where its are. */
static int put_band(const struct out *o, uint32_t mels, unsigned band, struct error *err)
{
	double low = edge_hz(band, mels), middle = edge_hz(band + 1, mels),
	       high = edge_hz(band + 2, mels);

	for (unsigned bin = 0; bin < WHISPER_FFT_BINS; bin++) {
		double hz = bin * (16000 / 400.0);
		double up = (hz - low) / (middle - low), down = (high - hz) / (high - middle);
		float weight = (float)fmax(0, fmin(up, down));

		if (put_float(o, (float)(weight * (2 / (high - low))), err) < 0)
			return -1;
	}
	return 0;
}

static int put_filters(const struct out *o, uint32_t mels, struct error *err)
{
	if (put_u32(o, mels, err) < 0 || put_u32(o, WHISPER_FFT_BINS, err) < 0)
		return -1;
	for (unsigned band = 0; band < mels; band++)
		if (put_band(o, mels, band, err) < 0)
			return -1;
	return 0;
}

/* ---- the tokens ---- */

static int put_token(const struct out *o, struct tokens *t, struct error *err)
{
	uint8_t token[WHISPER_TOKEN_MAX_BYTES];
	int n = tokens_next(t, token, err);

	if (n < 0 || put_u32(o, (uint32_t)n, err) < 0)
		return -1;
	return put(o, token, (size_t)n, err);
}

static int put_tokens(const struct out *o, const struct convert_input *in,
    const struct whisper_sizes *s, struct error *err)
{
	struct tokens t = { in->vocabulary, in->vocabulary_n, 0 };
	int n = tokens_count(in->vocabulary, in->vocabulary_n, s, err);

	if (n < 0 || put_u32(o, (uint32_t)n, err) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (put_token(o, &t, err) < 0)
			return -1;
	return 0;
}

/* ---- the tensors ---- */

static size_t elements_of(const struct whisper_tensor *t)
{
	return (size_t)t->dims[0] * t->dims[1] * t->dims[2];
}

/* Where its numbers begin; NULL: they are not there as they should be. */
static const uint8_t *find_numbers(
    const struct ct2 *c, const struct whisper_tensor *t, struct error *err)
{
	const struct ct2_variable *v = ct2_find(c, t->source, err);
	size_t bytes = 2 * elements_of(t);

	if (v == NULL)
		return NULL;
	if (v->type != CT2_FLOAT16) {
		(void)error_set(err, ERROR_CONFIG,
		    "the weights have a variable %s that is not of 16 bits; only such models can "
		    "be converted",
		    t->source);
		return NULL;
	}
	if (v->dims_n == 0 || v->dims[0] != t->parts * t->dims[t->dims_n - 1] ||
	    v->bytes != t->parts * bytes) {
		(void)error_set(err, ERROR_CONFIG,
		    "the weights have a variable %s that does not fit the others", t->source);
		return NULL;
	}
	return v->data + t->part * bytes;
}

static int put_widened(const struct out *o, const uint8_t *half, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++, half += 2)
		if (put_float(o, half_to_float((uint16_t)(half[0] | half[1] << 8)), err) < 0)
			return -1;
	return 0;
}

static int put_tensor(
    const struct out *o, const struct ct2 *c, const struct whisper_tensor *t, struct error *err)
{
	uint32_t head[3] = { t->dims_n, (uint32_t)strlen(t->name),
		t->kind == WHISPER_TENSOR_EXACT ? GGML_F32 : GGML_F16 };
	const uint8_t *numbers = find_numbers(c, t, err);

	if (numbers == NULL || put_numbers(o, head, 3, err) < 0 ||
	    put_numbers(o, t->dims, t->dims_n, err) < 0 || put(o, t->name, head[1], err) < 0)
		return -1;
	if (t->kind == WHISPER_TENSOR_EXACT)
		return put_widened(o, numbers, elements_of(t), err);
	return put(o, numbers, 2 * elements_of(t), err);
}

static int put_tensors(
    const struct out *o, const struct ct2 *c, const struct whisper_sizes *s, struct error *err)
{
	struct whisper_tensor t;
	unsigned n = whisper_tensors_count(s);

	for (unsigned i = 0; i < n; i++) {
		whisper_tensors_at(s, i, &t);
		if (put_tensor(o, c, &t, err) < 0)
			return -1;
	}
	return 0;
}

int convert_ct2(
    const struct convert_input *in, convert_write_f *write, void *arg, struct error *err)
{
	const struct out o = { write, arg };
	struct ct2 *c = ct2_new(in->model, in->model_n, err);
	struct whisper_sizes s;
	int rc = -1;

	if (c != NULL && take_sizes(c, &s, err) == 0 && put_header(&o, &s, err) == 0 &&
	    put_filters(&o, s.mels, err) == 0 && put_tokens(&o, in, &s, err) == 0)
		rc = put_tensors(&o, c, &s, err);
	ct2_free(&c);
	return rc;
}
