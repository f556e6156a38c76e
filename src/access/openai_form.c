#include "access/openai_form.h"

#include <stdio.h>
#include <stdlib.h>
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

static int read_prompt(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	(void)err;
	wanted_prompt(&f->wanted, (const char *)p->bytes, p->n);
	return 0;
}

static int read_keywords(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	(void)err;
	wanted_hot_words(&f->wanted, (const char *)p->bytes, p->n);
	return 0;
}

/* What says more than there is room for says it in vain, as a wish. */
static int read_languages(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	size_t n = strlen(f->language);
	struct openai_form one = { 0 };

	if (read_language(&one, p, err) != 0)
		return -1;
	if (n + 1 + strlen(one.language) < sizeof f->language)
		(void)snprintf(f->language + n, sizeof f->language - n, "%s%s", n > 0 ? "," : "",
		    one.language);
	return 0;
}

static int read_format(struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	if (p->n == 0 || openai_format_parse((const char *)p->bytes, p->n, &f->style.format))
		return 0;
	return error_set(err, ERROR_INVALID,
	    "response_format \"%.*s\" is not supported; json, text, srt, vtt, verbose_json and "
	    "diarized_json are",
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

/* It makes no difference here, but a client that is out of range is told so, as by OpenAI. */
static int read_temperature(
    struct openai_form *f, const struct multipart_part *p, struct error *err)
{
	char text[32] = "", *end = text;
	double value = -1;

	(void)f;
	if (p->n == 0)
		return 0;
	if (p->n < sizeof text) {
		memcpy(text, p->bytes, p->n);
		value = strtod(text, &end);
	}
	if (end == text + p->n && strspn(text, "0123456789.eE+-") == p->n && value >= 0 &&
	    value <= 1)
		return 0;
	return error_set(err, ERROR_INVALID,
	    "temperature must be a number from 0 to 1, not \"%.*s\"", (int)MIN(p->n, 40u),
	    (const char *)p->bytes);
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

/* What is in no row (include[], ...) makes no difference to what is heard, and is passed over. */
static const struct field {
	const char *name;
	int (*read)(struct openai_form *f, const struct multipart_part *p, struct error *err);
} fields[] = {
	{ "file", read_file },
	{ "model", read_model },
	{ "language", read_language },
	{ "languages", read_languages },
	{ "languages[]", read_languages },
	{ "prompt", read_prompt },
	{ "keywords", read_keywords },
	{ "keywords[]", read_keywords },
	{ "response_format", read_format },
	{ "timestamp_granularities", read_granularity },
	{ "timestamp_granularities[]", read_granularity },
	{ "temperature", read_temperature },
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

static int check_combination(
    const struct openai_style *s, struct error *err, const char **param_out)
{
	if (s->stream && s->format != OPENAI_JSON && s->format != OPENAI_TEXT &&
	    s->format != OPENAI_DIARIZED_JSON) {
		*param_out = "stream";
		return error_set(err, ERROR_INVALID,
		    "a stream has no times; stream goes with response_format json, text or "
		    "diarized_json");
	}
	if ((s->words || s->segments) && s->format != OPENAI_VERBOSE_JSON) {
		*param_out = "timestamp_granularities[]";
		return error_set(err, ERROR_INVALID,
		    "response_format must be verbose_json where timestamp_granularities[] is "
		    "there");
	}
	return 0;
}

void openai_form_done(struct openai_form *f)
{
	wanted_done(&f->wanted);
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
	if (rc != 0 || check_combination(&f.style, err, param_out) != 0) {
		openai_form_done(&f);
		return -1;
	}
	wanted_language(&f.wanted, f.language);
	f.style.segments |= !f.style.words;
	*out = f;
	return 0;
}
