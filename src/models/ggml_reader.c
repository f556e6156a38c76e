#include "models/ggml_reader.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "models/cursor.h"
#include "models/ggml_type.h"

struct ggml_reader {
	const char *path; /* borrowed */
	struct cursor c;
	struct whisper_sizes sizes;
	const struct ggml_type *type;
	size_t filters_at, tensors_at;
	unsigned tensors_n, found_n;
	unsigned
	    last; /* where the last one stands among the expected; files have them mostly in order */
	bool *found; /* owned; tensors_n of them */
};

#define PATH_SHOWN "%.100s"

static int cut(const struct ggml_reader *r, const char *inside, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
	    PATH_SHOWN " is cut: it has %zu bytes, and ends inside %s", r->path, r->c.n, inside);
}

/* ---- what it is ---- */

static bool begins_with(const struct cursor *c, size_t at, const char *text)
{
	return c->n >= at + strlen(text) && memcmp(c->data + at, text, strlen(text)) == 0;
}

/* What it may be instead; people mix these up. NULL: no idea. */
static const char *guess(const struct cursor *c)
{
	static const struct {
		size_t at;
		const char *text, *is;
	} kinds[] = {
		{ 0, "GGUF", "a GGUF file" },
		{ 6, "WhisperSpec",
		    "a model of faster-whisper, which stenopool models import converts" },
		{ 8, "silero", "Silero's detector of speech" },
		{ 0, "PK", "a zip file" },
		{ 0, "version https://git-lfs", "a pointer of git LFS, not what it points to" },
		{ 0, "<", "a page of text" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (begins_with(c, kinds[i].at, kinds[i].text))
			return kinds[i].is;
	return NULL;
}

static int refuse_foreign(const struct ggml_reader *r, struct error *err)
{
	const char *is = guess(&r->c);

	if (is != NULL)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " is no ggml model of Whisper: it is %s", r->path, is);
	if (r->c.n < 4)
		return cut(r, "its first number", err);
	return error_set(err, ERROR_CONFIG,
	    PATH_SHOWN " is no ggml model of Whisper: it begins with %02x %02x %02x %02x, not with "
		       "6c 6d 67 67",
	    r->path, r->c.data[0], r->c.data[1], r->c.data[2], r->c.data[3]);
}

static int check_type(struct ggml_reader *r, uint32_t number, struct error *err)
{
	r->type = ggml_type_of_model(number % GGML_QUANTISATION_FACTOR);
	if (r->type == NULL)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN
		    " has numbers of type %u; allowed are f32, f16, q4_0, q4_1, q5_0, q5_1 "
		    "and q8_0",
		    r->path, number);
	if (r->type->block > 1 && number / GGML_QUANTISATION_FACTOR != GGML_QUANTISATION_VERSION)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " is quantised in version %u; only %d is read", r->path,
		    number / GGML_QUANTISATION_FACTOR, GGML_QUANTISATION_VERSION);
	return 0;
}

static int take_header(struct ggml_reader *r, struct error *err)
{
	uint32_t magic = 0, type;
	struct whisper_sizes *s = &r->sizes;
	uint32_t *const fields[] = { &s->vocabulary, &s->audio_ctx, &s->audio_state,
		&s->audio_heads, &s->audio_layers, &s->text_ctx, &s->text_state, &s->text_heads,
		&s->text_layers, &s->mels, &type };

	if (!cursor_u32(&r->c, &magic) || magic != GGML_MAGIC || guess(&r->c) != NULL)
		return refuse_foreign(r, err);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!cursor_u32(&r->c, fields[i]))
			return cut(r, "its header", err);
	if (whisper_sizes_check(s, err) < 0)
		return error_prefix(err, PATH_SHOWN " is no ggml model of Whisper", r->path);
	return check_type(r, type, err);
}

/* ---- filters and vocabulary ---- */

static int take_filters(struct ggml_reader *r, struct error *err)
{
	uint32_t mels, bins;

	r->filters_at = r->c.at;
	if (!cursor_u32(&r->c, &mels) || !cursor_u32(&r->c, &bins))
		return cut(r, "its mel filters", err);
	if (mels != r->sizes.mels || bins != WHISPER_FFT_BINS)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " has mel filters of %u bands by %u; its header needs %u by %d",
		    r->path, mels, bins, r->sizes.mels, WHISPER_FFT_BINS);
	if (cursor_take(&r->c, (uint64_t)mels * bins * sizeof(float)) == NULL)
		return cut(r, "its mel filters", err);
	return 0;
}

static int take_token(struct ggml_reader *r, struct error *err)
{
	uint32_t n;

	if (!cursor_u32(&r->c, &n))
		return cut(r, "its vocabulary", err);
	if (n > WHISPER_TOKEN_MAX_BYTES)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " has a token of %u bytes in its vocabulary; allowed are up to %d",
		    r->path, n, WHISPER_TOKEN_MAX_BYTES);
	return cursor_take(&r->c, n) != NULL ? 0 : cut(r, "its vocabulary", err);
}

static int take_vocabulary(struct ggml_reader *r, struct error *err)
{
	uint32_t n;

	if (!cursor_u32(&r->c, &n))
		return cut(r, "its vocabulary", err);
	if (n > r->sizes.vocabulary)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " has %u tokens in its vocabulary, more than the %u of its header",
		    r->path, n, r->sizes.vocabulary);
	for (uint32_t i = 0; i < n; i++)
		if (take_token(r, err) < 0)
			return -1;
	r->tensors_at = r->c.at;
	return 0;
}

/* ---- tensors ---- */

/* The one of that name, from behind the last one on; false: there is none. */
static bool find_expected(
    struct ggml_reader *r, const uint8_t *name, uint32_t n, struct whisper_tensor *out)
{
	for (unsigned i = 0; i < r->tensors_n; i++) {
		unsigned at = (r->last + 1 + i) % r->tensors_n;

		whisper_tensors_at(&r->sizes, at, out);
		if (strlen(out->name) == n && memcmp(out->name, name, n) == 0) {
			r->last = at;
			return true;
		}
	}
	return false;
}

static const struct ggml_type *expected_type(
    const struct ggml_reader *r, enum whisper_tensor_kind kind)
{
	if (kind == WHISPER_TENSOR_EXACT)
		return ggml_type_of_model(GGML_F32);
	if (kind == WHISPER_TENSOR_CONV && r->type->type != GGML_F32)
		return ggml_type_of_model(GGML_F16);
	return r->type;
}

/* Its number of dimensions, the length of its name, and its type, before all else. */
struct head {
	uint32_t dims_n, name_n, type, dims[4];
};

static int take_head(struct ggml_reader *r, struct head *h, struct error *err)
{
	if (!cursor_u32(&r->c, &h->dims_n) || !cursor_u32(&r->c, &h->name_n) ||
	    !cursor_u32(&r->c, &h->type))
		return cut(r, "a tensor's head", err);
	if (h->dims_n == 0 || h->dims_n > ARRAY_SIZE(h->dims) || h->name_n >= WHISPER_NAME_BYTES)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " is damaged: where a tensor should begin, at byte %zu, none does",
		    r->path, r->c.at - 12);
	for (unsigned i = 0; i < h->dims_n; i++)
		if (!cursor_u32(&r->c, &h->dims[i]))
			return cut(r, "a tensor's head", err);
	return 0;
}

static int take_name(
    struct ggml_reader *r, uint32_t n, struct whisper_tensor *out, struct error *err)
{
	const uint8_t *name = cursor_take(&r->c, n);

	if (name == NULL)
		return cut(r, "a tensor's name", err);
	if (!find_expected(r, name, n, out))
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " has a tensor \"%.*s\" that no Whisper model of its size has",
		    r->path, (int)n, (const char *)name);
	if (r->found[r->last])
		return error_set(
		    err, ERROR_CONFIG, PATH_SHOWN " has its tensor %s twice", r->path, out->name);
	return 0;
}

static int check_shape(const struct ggml_reader *r, const struct head *h,
    const struct ggml_tensor *t, struct error *err)
{
	bool same = h->dims_n == t->is.dims_n && h->type == t->type;

	for (unsigned i = 0; same && i < t->is.dims_n; i++)
		same = h->dims[i] == t->is.dims[i];
	return same
	    ? 0
	    : error_set(err, ERROR_CONFIG,
		  PATH_SHOWN " has a tensor %s of another shape or type than its header says",
		  r->path, t->is.name);
}

static int take_data(
    struct ggml_reader *r, struct ggml_tensor *t, const struct ggml_type *type, struct error *err)
{
	/* A row is whole blocks: states are multiples of 32. */
	uint64_t n = (uint64_t)t->is.dims[0] * t->is.dims[1] * t->is.dims[2] / type->block *
	    type->block_bytes;
	size_t left = cursor_left(&r->c);

	t->data = cursor_take(&r->c, n);
	t->bytes = (size_t)n;
	if (t->data != NULL)
		return 0;
	return error_set(err, ERROR_CONFIG,
	    PATH_SHOWN " is cut: it has %zu bytes, and its tensor %s needs %llu more", r->path,
	    r->c.n, t->is.name, (unsigned long long)(n - left));
}

/* Nothing is left over, so nothing may be missing. */
static int finish(const struct ggml_reader *r, struct error *err)
{
	struct whisper_tensor t;

	for (unsigned i = 0; i < r->tensors_n; i++) {
		if (r->found[i])
			continue;
		whisper_tensors_at(&r->sizes, i, &t);
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " is cut: it has %u of %u tensors, and %s is not among them",
		    r->path, r->found_n, r->tensors_n, t.name);
	}
	return 0;
}

int ggml_reader_next(struct ggml_reader *r, struct ggml_tensor *out, struct error *err)
{
	const struct ggml_type *type;
	struct head h;

	if (cursor_left(&r->c) == 0)
		return finish(r, err);
	if (r->found_n == r->tensors_n)
		return error_set(err, ERROR_CONFIG,
		    PATH_SHOWN " has %zu bytes after its last tensor that do not belong to it",
		    r->path, cursor_left(&r->c));
	if (take_head(r, &h, err) < 0 || take_name(r, h.name_n, &out->is, err) < 0)
		return -1;
	type = expected_type(r, out->is.kind);
	out->type = type->type;
	if (check_shape(r, &h, out, err) < 0 || take_data(r, out, type, err) < 0)
		return -1;
	r->found[r->last] = true;
	r->found_n++;
	return 1;
}

struct ggml_reader *ggml_reader_new(
    const char *path, const uint8_t *data, size_t n, struct error *err)
{
	struct ggml_reader *r = xcalloc(1, sizeof *r);

	r->path = path;
	r->c = (struct cursor){ data, n, 0 };
	if (take_header(r, err) < 0 || take_filters(r, err) < 0 || take_vocabulary(r, err) < 0) {
		ggml_reader_free(&r);
		return NULL;
	}
	r->tensors_n = whisper_tensors_count(&r->sizes);
	r->last = r->tensors_n - 1;
	r->found = xcalloc(r->tensors_n, sizeof *r->found);
	return r;
}

void ggml_reader_free(struct ggml_reader **r)
{
	if (*r != NULL)
		free((*r)->found);
	free(*r);
	*r = NULL;
}

const struct whisper_sizes *ggml_reader_sizes(const struct ggml_reader *r)
{
	return &r->sizes;
}

const struct ggml_type *ggml_reader_type(const struct ggml_reader *r)
{
	return r->type;
}

size_t ggml_reader_filters_at(const struct ggml_reader *r)
{
	return r->filters_at;
}

size_t ggml_reader_tensors_at(const struct ggml_reader *r)
{
	return r->tensors_at;
}
