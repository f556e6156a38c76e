/* http_chunks: takes the framing off a chunked body (RFC 9112, 7.1), strictly: hexadecimal sizes, CR LF at the end of
 * every line and chunk. Extensions and trailers are checked for their line ends and thrown away. Pure. */
#ifndef NET_HTTP_CHUNKS_H
#define NET_HTTP_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum http_chunks_place {
	HTTP_CHUNKS_SIZE,
	HTTP_CHUNKS_EXTENSION,
	HTTP_CHUNKS_SIZE_LF,
	HTTP_CHUNKS_DATA,
	HTTP_CHUNKS_DATA_CR,
	HTTP_CHUNKS_DATA_LF,
	HTTP_CHUNKS_TRAILER_FIRST,
	HTTP_CHUNKS_TRAILER,
	HTTP_CHUNKS_TRAILER_LF,
	HTTP_CHUNKS_LAST_LF,
	HTTP_CHUNKS_DONE,
};

struct http_chunks { /* plain data, zeroed is the start */
	enum http_chunks_place place;
	unsigned digits;     /* of the size being read */
	unsigned line_bytes; /* of extensions and trailers, all chunks together */
	uint64_t size;       /* of the chunk; in its data: what is still to come */
};

/* Takes bytes up to and with a piece of data, or all; the piece is *data_out, *data_n (0: none). Returns what was
 * taken, -1 with a sentence in *err. g->place says whether the body ended. */
long http_chunks_take(struct http_chunks *k, const uint8_t *bytes, size_t n,
    const uint8_t **data_out, size_t *data_n, struct error *err);

#endif
