#include "models/whisper_tensors.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

enum shape {
	SHAPE_STATE,       /* one for each of the state's numbers */
	SHAPE_WIDE,        /* four for each */
	SHAPE_SQUARE,      /* state to state */
	SHAPE_WIDEN,       /* state to four times that */
	SHAPE_NARROW,      /* and back */
	SHAPE_COLUMN,      /* a state, written as a matrix */
	SHAPE_AUDIO_PLACE, /* a state for each place */
	SHAPE_TEXT_PLACE,
	SHAPE_TOKEN, /* a state for each token */
	SHAPE_CONV_MELS,
	SHAPE_CONV_STATE,
};

/* "%u" stands for the layer. */
struct row {
	const char *name, *source;
	unsigned part, parts;
	enum shape shape;
	enum whisper_tensor_kind kind;
};

#define EXACT  WHISPER_TENSOR_EXACT
#define WEIGHT WHISPER_TENSOR_WEIGHT
#define CONV   WHISPER_TENSOR_CONV

static const struct row first[] = {
	{ "decoder.positional_embedding", "decoder/position_encodings/encodings", 0, 1,
	    SHAPE_TEXT_PLACE, EXACT },
	{ "encoder.positional_embedding", "encoder/position_encodings/encodings", 0, 1,
	    SHAPE_AUDIO_PLACE, EXACT },
	{ "decoder.token_embedding.weight", "decoder/embeddings/weight", 0, 1, SHAPE_TOKEN,
	    WEIGHT },
};
static const struct row decoder_last[] = {
	{ "decoder.ln.weight", "decoder/layer_norm/gamma", 0, 1, SHAPE_STATE, EXACT },
	{ "decoder.ln.bias", "decoder/layer_norm/beta", 0, 1, SHAPE_STATE, EXACT },
};
static const struct row encoder_first[] = {
	{ "encoder.conv1.weight", "encoder/conv1/weight", 0, 1, SHAPE_CONV_MELS, CONV },
	{ "encoder.conv1.bias", "encoder/conv1/bias", 0, 1, SHAPE_COLUMN, EXACT },
	{ "encoder.conv2.weight", "encoder/conv2/weight", 0, 1, SHAPE_CONV_STATE, CONV },
	{ "encoder.conv2.bias", "encoder/conv2/bias", 0, 1, SHAPE_COLUMN, EXACT },
};
static const struct row encoder_last[] = {
	{ "encoder.ln_post.weight", "encoder/layer_norm/gamma", 0, 1, SHAPE_STATE, EXACT },
	{ "encoder.ln_post.bias", "encoder/layer_norm/beta", 0, 1, SHAPE_STATE, EXACT },
};

/* A layer; "coder.blocks.%u." and "coder/layer_%u/" stand before them. A key has no bias. The last nine are the decoder's. */
static const struct row layer[] = {
	{ "mlp_ln.weight", "ffn/layer_norm/gamma", 0, 1, SHAPE_STATE, EXACT },
	{ "mlp_ln.bias", "ffn/layer_norm/beta", 0, 1, SHAPE_STATE, EXACT },
	{ "mlp.0.weight", "ffn/linear_0/weight", 0, 1, SHAPE_WIDEN, WEIGHT },
	{ "mlp.0.bias", "ffn/linear_0/bias", 0, 1, SHAPE_WIDE, EXACT },
	{ "mlp.2.weight", "ffn/linear_1/weight", 0, 1, SHAPE_NARROW, WEIGHT },
	{ "mlp.2.bias", "ffn/linear_1/bias", 0, 1, SHAPE_STATE, EXACT },
	{ "attn_ln.weight", "self_attention/layer_norm/gamma", 0, 1, SHAPE_STATE, EXACT },
	{ "attn_ln.bias", "self_attention/layer_norm/beta", 0, 1, SHAPE_STATE, EXACT },
	{ "attn.query.weight", "self_attention/linear_0/weight", 0, 3, SHAPE_SQUARE, WEIGHT },
	{ "attn.query.bias", "self_attention/linear_0/bias", 0, 3, SHAPE_STATE, EXACT },
	{ "attn.key.weight", "self_attention/linear_0/weight", 1, 3, SHAPE_SQUARE, WEIGHT },
	{ "attn.value.weight", "self_attention/linear_0/weight", 2, 3, SHAPE_SQUARE, WEIGHT },
	{ "attn.value.bias", "self_attention/linear_0/bias", 2, 3, SHAPE_STATE, EXACT },
	{ "attn.out.weight", "self_attention/linear_1/weight", 0, 1, SHAPE_SQUARE, WEIGHT },
	{ "attn.out.bias", "self_attention/linear_1/bias", 0, 1, SHAPE_STATE, EXACT },
	{ "cross_attn_ln.weight", "attention/layer_norm/gamma", 0, 1, SHAPE_STATE, EXACT },
	{ "cross_attn_ln.bias", "attention/layer_norm/beta", 0, 1, SHAPE_STATE, EXACT },
	{ "cross_attn.query.weight", "attention/linear_0/weight", 0, 1, SHAPE_SQUARE, WEIGHT },
	{ "cross_attn.query.bias", "attention/linear_0/bias", 0, 1, SHAPE_STATE, EXACT },
	{ "cross_attn.key.weight", "attention/linear_1/weight", 0, 2, SHAPE_SQUARE, WEIGHT },
	{ "cross_attn.value.weight", "attention/linear_1/weight", 1, 2, SHAPE_SQUARE, WEIGHT },
	{ "cross_attn.value.bias", "attention/linear_1/bias", 1, 2, SHAPE_STATE, EXACT },
	{ "cross_attn.out.weight", "attention/linear_2/weight", 0, 1, SHAPE_SQUARE, WEIGHT },
	{ "cross_attn.out.bias", "attention/linear_2/bias", 0, 1, SHAPE_STATE, EXACT },
};
enum {
	LAYER_DECODER = ARRAY_SIZE(layer),
	LAYER_ENCODER = LAYER_DECODER - 9,
	STATE_MAX = 2048,
	LAYERS_MAX = 48
};

static int check_state(uint32_t state, uint32_t heads, uint32_t layers, struct error *err)
{
	if (state < 32 || state > STATE_MAX || state % 32 != 0)
		return error_set(err, ERROR_CONFIG,
		    "its state has %u numbers; allowed are multiples of 32 up to %d", state,
		    STATE_MAX);
	if (heads == 0 || heads > state || state % heads != 0)
		return error_set(err, ERROR_CONFIG,
		    "it has %u heads, which do not divide its state of %u", heads, state);
	if (layers == 0 || layers > LAYERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "one of its halves has %u layers; allowed are 1 to %d", layers, LAYERS_MAX);
	return 0;
}

int whisper_sizes_check(const struct whisper_sizes *s, struct error *err)
{
	/* With another vocabulary the library would look for languages that it has no names of. */
	if (s->vocabulary < WHISPER_VOCABULARY_ENGLISH || s->vocabulary > WHISPER_VOCABULARY_MAX)
		return error_set(err, ERROR_CONFIG,
		    "its vocabulary has %u tokens; Whisper's have %d, %d or %d", s->vocabulary,
		    WHISPER_VOCABULARY_ENGLISH, WHISPER_VOCABULARY_ENGLISH + 1,
		    WHISPER_VOCABULARY_MAX);
	if (s->audio_ctx != WHISPER_AUDIO_CTX || s->text_ctx != WHISPER_TEXT_CTX)
		return error_set(err, ERROR_CONFIG,
		    "its windows are %u frames and %u tokens; Whisper's are %d and %d",
		    s->audio_ctx, s->text_ctx, WHISPER_AUDIO_CTX, WHISPER_TEXT_CTX);
	if (s->mels != 80 && s->mels != 128)
		return error_set(
		    err, ERROR_CONFIG, "it has %u mel bands; Whisper has 80 or 128", s->mels);
	if (s->audio_state != s->text_state)
		return error_set(err, ERROR_CONFIG, "its halves have states of %u and %u numbers",
		    s->audio_state, s->text_state);
	if (check_state(s->audio_state, s->audio_heads, s->audio_layers, err) < 0)
		return -1;
	return check_state(s->text_state, s->text_heads, s->text_layers, err);
}

bool whisper_sizes_is_multilingual(const struct whisper_sizes *s)
{
	return s->vocabulary > WHISPER_VOCABULARY_ENGLISH;
}

unsigned whisper_tensors_count(const struct whisper_sizes *s)
{
	return ARRAY_SIZE(first) + LAYER_DECODER * s->text_layers + ARRAY_SIZE(decoder_last) +
	    ARRAY_SIZE(encoder_first) + LAYER_ENCODER * s->audio_layers + ARRAY_SIZE(encoder_last);
}

static void set_dims(struct whisper_tensor *t, unsigned n, uint32_t a, uint32_t b, uint32_t c)
{
	t->dims_n = n;
	t->dims[0] = a;
	t->dims[1] = b;
	t->dims[2] = c;
}

static void shape(struct whisper_tensor *t, const struct whisper_sizes *s, enum shape shape)
{
	uint32_t n = s->audio_state;

	switch (shape) {
	case SHAPE_STATE:
		set_dims(t, 1, n, 1, 1);
		break;
	case SHAPE_WIDE:
		set_dims(t, 1, 4 * n, 1, 1);
		break;
	case SHAPE_SQUARE:
		set_dims(t, 2, n, n, 1);
		break;
	case SHAPE_WIDEN:
		set_dims(t, 2, n, 4 * n, 1);
		break;
	case SHAPE_NARROW:
		set_dims(t, 2, 4 * n, n, 1);
		break;
	case SHAPE_COLUMN:
		set_dims(t, 2, 1, n, 1);
		break;
	case SHAPE_AUDIO_PLACE:
		set_dims(t, 2, n, s->audio_ctx, 1);
		break;
	case SHAPE_TEXT_PLACE:
		set_dims(t, 2, n, s->text_ctx, 1);
		break;
	case SHAPE_TOKEN:
		set_dims(t, 2, n, s->vocabulary, 1);
		break;
	case SHAPE_CONV_MELS:
		set_dims(t, 3, 3, s->mels, n);
		break;
	case SHAPE_CONV_STATE:
		set_dims(t, 3, 3, n, n);
		break;
	}
}

static void fill(struct whisper_tensor *t, const struct whisper_sizes *s, const struct row *r)
{
	(void)snprintf(t->name, sizeof t->name, "%s", r->name);
	(void)snprintf(t->source, sizeof t->source, "%s", r->source);
	t->part = r->part;
	t->parts = r->parts;
	t->kind = r->kind;
	shape(t, s, r->shape);
}

static void fill_layer(struct whisper_tensor *t, const struct whisper_sizes *s, const char *side,
    unsigned rows, unsigned i)
{
	const struct row *r = &layer[i % rows];

	fill(t, s, r);
	(void)snprintf(t->name, sizeof t->name, "%s.blocks.%u.%s", side, i / rows, r->name);
	(void)snprintf(t->source, sizeof t->source, "%s/layer_%u/%s", side, i / rows, r->source);
}

/* Takes what lies before off *i, and says whether *i is among the next n. */
static bool is_among(unsigned *i, unsigned n, unsigned *at)
{
	*at = *i;
	if (*i < n)
		return true;
	*i -= n;
	return false;
}

void whisper_tensors_at(const struct whisper_sizes *s, unsigned i, struct whisper_tensor *out)
{
	unsigned at;

	assert(i < whisper_tensors_count(s));
	if (is_among(&i, ARRAY_SIZE(first), &at))
		fill(out, s, &first[at]);
	else if (is_among(&i, LAYER_DECODER * s->text_layers, &at))
		fill_layer(out, s, "decoder", LAYER_DECODER, at);
	else if (is_among(&i, ARRAY_SIZE(decoder_last), &at))
		fill(out, s, &decoder_last[at]);
	else if (is_among(&i, ARRAY_SIZE(encoder_first), &at))
		fill(out, s, &encoder_first[at]);
	else if (is_among(&i, LAYER_ENCODER * s->audio_layers, &at))
		fill_layer(out, s, "encoder", LAYER_ENCODER, at);
	else
		fill(out, s, &encoder_last[i]);
}
