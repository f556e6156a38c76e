#include "net/http_chunks.h"

#include "base/error.h"

enum {
	SIZE_DIGITS_MAX = 8, /* 4 GiB a chunk; max_body_bytes is far below */
	LINE_BYTES_MAX = 16 * 1024,
	SPACE = ' ',
};

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int refuse(struct error *err, const char *what, uint8_t c)
{
	return error_set(err, ERROR_INVALID, "byte 0x%02x %s of a chunked body", c, what);
}

static int in_size(struct http_chunks *k, uint8_t c, struct error *err)
{
	int value = hex_value(c);

	if (value >= 0) {
		if (++k->digits > SIZE_DIGITS_MAX)
			return error_set(err, ERROR_INVALID,
			    "a chunk's size has more than %d digits", SIZE_DIGITS_MAX);
		k->size = k->size * 16 + (unsigned)value;
		return 0;
	}
	if (k->digits == 0 || (c != '\r' && c != ';'))
		return refuse(err, "in the size of a chunk", c);
	k->place = c == ';' ? HTTP_CHUNKS_EXTENSION : HTTP_CHUNKS_SIZE_LF;
	return 0;
}

/* A line that is thrown away; CR leads to `then`. */
static int in_line(struct http_chunks *k, uint8_t c, enum http_chunks_place then, struct error *err)
{
	if (++k->line_bytes > LINE_BYTES_MAX)
		return error_set(err, ERROR_INVALID,
		    "extensions and trailers of a chunked body are longer than %d bytes",
		    LINE_BYTES_MAX);
	if (c == '\r')
		k->place = then;
	else if (c < SPACE && c != '\t')
		return refuse(err, "in an extension or trailer", c);
	return 0;
}

static int expect(struct http_chunks *k, uint8_t c, uint8_t wanted, enum http_chunks_place then,
    struct error *err)
{
	if (c != wanted)
		return refuse(err, "where a line must end", c);
	k->place = then;
	return 0;
}

static int after_size(struct http_chunks *k, uint8_t c, struct error *err)
{
	k->digits = 0;
	return expect(k, c, '\n', k->size == 0 ? HTTP_CHUNKS_TRAILER_FIRST : HTTP_CHUNKS_DATA, err);
}

static int in_trailer_first(struct http_chunks *k, uint8_t c, struct error *err)
{
	if (c == '\r') {
		k->place = HTTP_CHUNKS_LAST_LF;
		return 0;
	}
	k->place = HTTP_CHUNKS_TRAILER;
	return in_line(k, c, HTTP_CHUNKS_TRAILER_LF, err);
}

static int take(struct http_chunks *k, uint8_t c, struct error *err)
{
	switch (k->place) {
	case HTTP_CHUNKS_SIZE:
		return in_size(k, c, err);
	case HTTP_CHUNKS_EXTENSION:
		return in_line(k, c, HTTP_CHUNKS_SIZE_LF, err);
	case HTTP_CHUNKS_SIZE_LF:
		return after_size(k, c, err);
	case HTTP_CHUNKS_DATA_CR:
		return expect(k, c, '\r', HTTP_CHUNKS_DATA_LF, err);
	case HTTP_CHUNKS_DATA_LF:
		return expect(k, c, '\n', HTTP_CHUNKS_SIZE, err);
	case HTTP_CHUNKS_TRAILER_FIRST:
		return in_trailer_first(k, c, err);
	case HTTP_CHUNKS_TRAILER:
		return in_line(k, c, HTTP_CHUNKS_TRAILER_LF, err);
	case HTTP_CHUNKS_TRAILER_LF:
		return expect(k, c, '\n', HTTP_CHUNKS_TRAILER_FIRST, err);
	case HTTP_CHUNKS_LAST_LF:
	case HTTP_CHUNKS_DATA: /* taken whole, below */
	case HTTP_CHUNKS_DONE:
		break;
	}
	return expect(k, c, '\n', HTTP_CHUNKS_DONE, err);
}

long http_chunks_take(struct http_chunks *k, const uint8_t *bytes, size_t n,
    const uint8_t **data_out, size_t *data_n, struct error *err)
{
	size_t i;

	*data_n = 0;
	for (i = 0; i < n && k->place != HTTP_CHUNKS_DONE && k->place != HTTP_CHUNKS_DATA; i++)
		if (take(k, bytes[i], err) != 0)
			return -1;
	if (k->place != HTTP_CHUNKS_DATA || i == n)
		return (long)i;
	*data_out = bytes + i;
	*data_n = n - i < k->size ? n - i : (size_t)k->size;
	k->size -= *data_n;
	if (k->size == 0)
		k->place = HTTP_CHUNKS_DATA_CR;
	return (long)(i + *data_n);
}
