/* ws_client: a WebSocket to a server, for our own command line client and load generator.
 * A libuv loop's thread only; any process. */
#ifndef NET_WS_CLIENT_H
#define NET_WS_CLIENT_H

#include <stddef.h>

#include "net/websocket.h" /* enum ws_kind, close codes */

struct error;
struct tls;
struct uv_loop_s;
struct ws_client;

struct ws_client_config {        /* all copied, but for tls */
	const char *url;         /* ws://HOST[:PORT][/PATH][?QUERY], or wss:// */
	struct tls *tls;         /* whom wss:// trusts; borrowed until on_close; NULL: ws:// only */
	const char *headers;     /* more lines of the request, each ended by \r\n; NULL: none */
	const char *subprotocol; /* offered; NULL: none */
	unsigned timeout_ms;     /* to connect and be let in; and from our close to the server's */
	size_t max_message_bytes;
	size_t send_buffer_bytes; /* more unsent: closed with 1008; see ws_client_unsent_bytes */
};

/* All called from the loop, never from inside a call into here. Any of them may send and close. */
struct ws_client_events {
	void (*on_open)(void *arg, struct ws_client *c);
	void (*on_message)(
	    void *arg, struct ws_client *c, enum ws_kind kind, const void *bytes, size_t n);
	/* Once, last, also when it never opened; `c` is invalid when it returns. `why` in words: "cannot connect to
	 * 127.0.0.1:8080: connection refused", "the server answered 503: all 100 places are taken". */
	void (*on_close)(void *arg, struct ws_client *c, unsigned code, const char *why);
};

/* Begins to connect. Borrows loop, events and arg until on_close; the loop must run on until libuv has closed the
 * handles. NULL: the url is wrong, *err says how. */
struct ws_client *ws_client_connect(struct uv_loop_s *loop, const struct ws_client_config *cfg,
    const struct ws_client_events *events, void *arg, struct error *err);

/* As ws_send_text and ws_send_binary; -1 also when it is not open. */
int ws_client_send_text(struct ws_client *c, const char *text, size_t n);
int ws_client_send_binary(struct ws_client *c, const void *bytes, size_t n);
/* What the socket has not taken yet: a sender of much waits while it is large. */
size_t ws_client_unsent_bytes(const struct ws_client *c);
/* In order when it is open; else it gives up. on_close follows. */
void ws_client_close(struct ws_client *c, unsigned code, const char *reason);

#endif
