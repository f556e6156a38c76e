#include "fuzz_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/util.h"
#include "net/address_list.h"
#include "net/conn.h"

struct conn {
	const struct conn_events *events; /* NULL: finished or dropped */
	void *arg;
	struct buffer written;
	bool reading, kicked;
};

struct conn *fuzz_conn_new(void)
{
	struct conn *c = xcalloc(1, sizeof *c);

	buffer_init(&c->written, SIZE_MAX / 2);
	return c;
}

static void kick(struct conn *c)
{
	while (c->kicked && c->events != NULL) {
		c->kicked = false;
		c->events->on_kick(c->arg);
	}
}

void fuzz_conn_run(struct conn *c, const uint8_t *bytes, size_t n, size_t piece)
{
	/* a copy as large as the piece, so that reading past it is seen */
	uint8_t *copy = malloc(MIN(piece, n) + 1);

	for (size_t at = 0; at < n && c->events != NULL && c->reading; at += piece) {
		size_t take = MIN(piece, n - at);
		uint8_t *exact = realloc(copy, take);

		if (exact == NULL)
			abort();
		copy = exact;
		memcpy(copy, bytes + at, take);
		c->events->on_read(c->arg, copy, take);
		kick(c);
	}
	free(copy);
	if (c->events != NULL)
		c->events->on_end(c->arg, UV_EOF);
}

const uint8_t *fuzz_conn_written(const struct conn *c, size_t *n_out)
{
	*n_out = c->written.len;
	return buffer_head(&c->written);
}

void fuzz_conn_free(struct conn *c)
{
	if (c->events != NULL)
		abort();
	buffer_done(&c->written);
	free(c);
}

void conn_set_owner(struct conn *c, const struct conn_events *events, void *arg)
{
	c->events = events;
	c->arg = arg;
}

const char *conn_peer(const struct conn *c)
{
	(void)c;
	return "127.0.0.1:1";
}

const struct address_ip *conn_peer_ip(const struct conn *c)
{
	static const struct address_ip ip = { { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } };

	(void)c;
	return &ip;
}

void conn_read_start(struct conn *c)
{
	c->reading = true;
}

void conn_read_stop(struct conn *c)
{
	c->reading = false;
}

void conn_write(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	static const char date[] = "\r\nDate: ";

	for (unsigned i = 0; i < n; i++) {
		const char *bytes = parts[i].base;
		size_t len = parts[i].len;
		const char *at;

		if (len == 0)
			continue;
		at = memmem(bytes, len, date, sizeof date - 1);
		if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0 && at != NULL) {
			size_t before = (size_t)(at - bytes);
			const char *end = memchr(at + 2, '\r', len - before - 2);
			size_t line = end == NULL ? len - before : (size_t)(end - at);

			(void)buffer_append(&c->written, bytes, before);
			bytes += before + line;
			len -= before + line;
		}
		if (c->events != NULL && buffer_append(&c->written, bytes, len) != 0)
			abort();
	}
}

size_t conn_unsent_bytes(const struct conn *c)
{
	(void)c;
	return 0;
}

void conn_set_worth(struct conn *c, enum conn_worth worth)
{
	(void)c;
	(void)worth;
}

uint64_t conn_received_bytes(const struct conn *c)
{
	(void)c;
	return 0;
}

void conn_set_send_timeout(struct conn *c, unsigned ms)
{
	(void)c;
	(void)ms;
}

unsigned conn_stalled_ms(const struct conn *c)
{
	(void)c;
	return 0;
}

void conn_set_deadline(struct conn *c, unsigned ms)
{
	(void)c;
	(void)ms;
}

void conn_kick(struct conn *c)
{
	c->kicked = true;
}

void conn_finish(struct conn *c, unsigned linger_ms)
{
	(void)linger_ms;
	c->events = NULL;
}

void conn_drop(struct conn *c)
{
	c->events = NULL;
}
