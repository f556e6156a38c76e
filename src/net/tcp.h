/* tcp: a connection of a raw listener: a feed of bytes both ways, for protocols that are neither HTTP nor WebSocket. It begins
 * with http_events.on_tcp. Server process, loop thread only. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp;

/* All called from the loop. Any of them may call tcp_send, tcp_close, tcp_drop, tcp_pause. */
struct tcp_events {
	/* At least one byte; lent for the call. */
	void (*on_bytes)(void *arg, struct tcp *t, const uint8_t *bytes, size_t n);
	/* The peer has sent its last byte; writing still goes on, until tcp_close. NULL: it is closed in order. */
	void (*on_end)(void *arg, struct tcp *t);
	/* Once, last: the connection is closed or was lost; `t` is invalid when it returns. After tcp_close too. `why` says
	 * it in words, such as "the connection was lost: connection reset by peer". */
	void (*on_close)(void *arg, struct tcp *t, const char *why);
};

/* Begins to read. Borrows events and arg until on_close. */
void tcp_start(struct tcp *t, const struct tcp_events *events, void *arg);

/* Sends what the socket takes and keeps the rest; copies. -1 when send_buffer_bytes would be passed: the connection is then
 * being dropped and on_close will come. After tcp_close: no effect, -1. */
int tcp_send(struct tcp *t, const void *bytes, size_t n);
size_t tcp_unsent_bytes(const struct tcp *t);
uint64_t tcp_last_heard_ns(
    const struct tcp *t); /* monotonic, when the last byte came; at first when it was accepted */
const char *tcp_peer(const struct tcp *t); /* "127.0.0.1:54321"; lent */

/* Sends what waits and ends the connection in order, for which the peer has linger_timeout_ms. on_bytes is not called any
 * more; on_close will be, from the loop. */
void tcp_close(struct tcp *t);
/* Closes now, and what waits is lost. Before tcp_start `t` is invalid afterwards; after it on_close will come, from the loop. */
void tcp_drop(struct tcp *t);

/* Stops reading, so that TCP slows the sender, and starts again. While paused the peer's end is not heard of. */
void tcp_pause(struct tcp *t);
void tcp_resume(struct tcp *t);
bool tcp_is_paused(const struct tcp *t);

#endif
