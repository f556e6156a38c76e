/* Frames as they come to a server (first byte even; one that lets them be unmasked, if its second bit is set) or to a client
 * (odd), whole and in pieces: the messages, the
 * answers and the close code must be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "fuzz_conn.h"
#include "net/websocket_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	struct buffer messages;
	unsigned code, closes;
};

static void on_message(void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct heard *h = arg;

	if (buffer_append(&h->messages, &kind, sizeof kind) != 0 ||
	    buffer_append(&h->messages, &n, sizeof n) != 0 ||
	    buffer_append(&h->messages, bytes, n) != 0)
		abort();
	if (n == 13)
		ws_pause(ws);
	ws_resume(ws);
}

static void on_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	struct heard *h = arg;

	(void)ws;
	(void)why;
	h->code = code;
	h->closes++;
}

static const struct ws_events events = { .on_message = on_message, .on_close = on_close };

static void run(const uint8_t *data, size_t size, size_t piece, struct heard *h)
{
	const struct ws_limits limits = {
		.message_bytes = 6000, .send_bytes = 1u << 30, .allow_unmasked = (data[0] & 2) != 0
	};
	enum ws_role role = data[0] & 1 ? WS_CLIENT : WS_SERVER;
	struct conn *c = fuzz_conn_new();

	*h = (struct heard){ .code = 0 };
	buffer_init(&h->messages, SIZE_MAX / 2);
	(void)ws_start(c, role, &limits, &events, h);
	fuzz_conn_run(c, data + 1, size - 1, piece);
	fuzz_conn_free(c);
	if (h->closes != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard a, b;

	if (size < 1)
		return 0;
	run(data, size, size, &a);
	run(data, size, (size_t)data[0] / 4 + 1, &b);
	if (a.code != b.code || a.messages.len != b.messages.len ||
	    (a.messages.len > 0 &&
		memcmp(buffer_head(&a.messages), buffer_head(&b.messages), a.messages.len) != 0))
		abort();
	buffer_done(&a.messages);
	buffer_done(&b.messages);
	return 0;
}
