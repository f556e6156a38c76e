#include "access/openai_form.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/util.h"
#include "net/multipart.h"

static bool is(const struct multipart_part *p, const char *value)
{
	return p->n == strlen(value) && memcmp(p->bytes, value, p->n) == 0;
}

static int copy(
    char *out, size_t cap, const struct multipart_part *p, const char *what, struct error *err)
{
	if (p->n >= cap)
		return error_set(err, ERROR_INVALID, "%s has more than %zu bytes", what, cap - 1);
	if (memchr(p->bytes, '\0', p->n) != NULL)
		return error_set(err, ERROR_INVALID, "%s has a zero byte in it", what);
	memcpy(out, p->bytes, p->n);
	out[p->n] = '\0';
	return 0;
}

static int read_file(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	if (f->file != NULL)
		return error_set(
		    err, ERROR_INVALID, "file was sent twice; one request is one file");
	f->file = p->bytes;
	f->file_n = p->n;
	return 0;
}

static int read_model(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	return copy(f->model, sizeof f->model, p, "model", err);
}

static int read_language(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	if (copy(f->language, sizeof f->language, p, "language", err) != 0)
		return -1;
	for (char *c = f->language; *c != '\0'; c++) /* it is sent back as text */
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
	return 0;
}

static int read_format(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	if (p->n == 0 || openai_format_parse((const char *)p->bytes, p->n, &f->style.format))
		return 0;
	return error_set(err, ERROR_INVALID,
	    "response_format \"%.*s\" is not supported; json, text, srt, vtt and verbose_json are",
	    (int)MIN(p->n, 40u), (const char *)p->bytes);
}

static int read_granularity(
    struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	if (is(p, "word"))
		f->style.words = true;
	else if (is(p, "segment"))
		f->style.segments = true;
	else
		return error_set(err, ERROR_INVALID,
		    "timestamp_granularities must be word or segment, not \"%.*s\"",
		    (int)MIN(p->n, 40u), (const char *)p->bytes);
	return 0;
}

/* Clients in Python are apt to write "True". */
static bool is_any_of(const struct multipart_part *p, const char *a, const char *b)
{
	const char *const words[] = { a, b };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (p->n == strlen(words[i]) &&
		    strncasecmp((const char *)p->bytes, words[i], p->n) == 0)
			return true;
	return false;
}

static int read_stream(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	f->style.stream = is_any_of(p, "true", "1");
	if (f->style.stream || p->n == 0 || is_any_of(p, "false", "0"))
		return 0;
	return error_set(err, ERROR_INVALID, "stream must be true or false, not \"%.*s\"",
	    (int)MIN(p->n, 40u), (const char *)p->bytes);
}

/* What is in no row (prompt, temperature, ...) makes no difference to what is heard, and is passed over. */
static const struct field {
	const char *name;
	int (*read)(struct openai_form *f, const struct multipart_part *p, struct error *err);
} fields[] = {
	{ "file", read_file },
	{ "model", read_model },
	{ "language", read_language },
	{ "response_format", read_format },
	{ "timestamp_granularities", read_granularity },
	{ "timestamp_granularities[]", read_granularity },
	{ "stream", read_stream },
};

static int read_fields(
    struct openai_form *f, const struct multipart *m, struct error *err, const char **param_out)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(fields); j++)
			if (strcmp(m->parts[i].name, fields[j].name) == 0 &&
			    fields[j].read(f, &m->parts[i], err) != 0) {
				*param_out = fields[j].name;
				return -1;
			}
	if (f->file != NULL)
		return 0;
	*param_out = "file";
	return error_set(err, ERROR_INVALID, "there is no file in the form");
}

int openai_form_read(struct openai_form *out, const char *content_type, const void *body, size_t n,
    struct error *err, const char **param_out)
{
	struct openai_form f = { .style = { .format = OPENAI_JSON } };
	struct multipart m;
	int rc;

	*param_out = NULL;
	if (multipart_read(&m, content_type, body, n, err) != 0)
		return -1;
	rc = read_fields(&f, &m, err, param_out);
	multipart_done(&m);
	if (rc != 0)
		return -1;
	if (f.style.stream && f.style.format != OPENAI_JSON && f.style.format != OPENAI_TEXT) {
		*param_out = "stream";
		return error_set(err, ERROR_INVALID,
		    "a stream has no times; stream goes with response_format json or text");
	}
	f.style.segments |= !f.style.words;
	*out = f;
	return 0;
}
