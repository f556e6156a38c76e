/* websocket: RFC 6455, the server's side, on a connection that http_upgrade handed over.
 * Pings are answered at once whatever else goes on. Server process, loop thread only. */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct ws;

enum ws_kind { WS_TEXT, WS_BINARY };

enum {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NONE = 1005,     /* never sent: a close frame without a code came */
	WS_CLOSE_ABNORMAL = 1006, /* never sent: the connection was lost without a close frame */
	WS_CLOSE_BAD_TEXT = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_INTERNAL = 1011,
	WS_CLOSE_RESTART = 1012,
	WS_CLOSE_TRY_LATER = 1013,
};

/* All called from the loop. Any of them may call ws_send, ws_close, ws_pause. */
struct ws_events {
	/* A whole message; the bytes are lent for the call. Text is valid UTF-8. */
	void (*on_message)(
	    void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n);
	/* Once, last: the connection is closed or was lost; `ws` is invalid when it returns. After ws_close too.
	 * `code` is the first close code sent or received, or WS_CLOSE_ABNORMAL. `why` says it in words, such as
	 * "message of 104857600 bytes is over max_message_bytes 16777216". */
	void (*on_close)(void *arg, struct ws *ws, unsigned code, const char *why);
};

/* Queues a text message and sends what the socket takes; copies. -1 when send_buffer_bytes would be passed: the
 * connection is then being closed with 1008 and on_close will come. After ws_close: no effect, -1. */
int ws_send_text(struct ws *ws, const char *text, size_t n);
int ws_send_binary(struct ws *ws, const void *bytes, size_t n);
int ws_ping(struct ws *ws);
size_t ws_unsent_bytes(const struct ws *ws);
/* A message of n bytes would not pass send_buffer_bytes. */
bool ws_has_room(const struct ws *ws, size_t n);
/* Monotonic ns when the last frame of any kind came, pongs included. */
uint64_t ws_last_heard_ns(const struct ws *ws);

/* Sends a close frame behind what is queued, waits linger_timeout_ms for the peer's, then drops the connection.
 * `reason` is cut at 123 bytes. on_message is not called any more; on_close will be. */
void ws_close(struct ws *ws, unsigned code, const char *reason);

/* From inside on_message: what was lent is the caller's from here on, in *out, to be given back with buffer_done. Not moved
 * where it is of more than 4 KiB. -1: memory is out, and *out is empty. */
int ws_take_message(struct ws *ws, struct buffer *out);

/* Stops reading, so that TCP slows the sender, and starts again. No message comes between the two; what had been read
 * comes first after them, in a turn of the loop of its own. */
void ws_pause(struct ws *ws);
void ws_resume(struct ws *ws);
bool ws_is_paused(const struct ws *ws);

#endif
