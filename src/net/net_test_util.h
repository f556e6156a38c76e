/* net_test_util: a server and raw clients of it in one loop, for the tests of this directory.
 * Everything waits for a thing to happen, by running the loop; a test that waits in vain fails after 20 s. */
#ifndef NET_NET_TEST_UTIL_H
#define NET_NET_TEST_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/buffer.h"
#include "net/http.h"
#include "net/tcp.h"
#include "net/websocket.h"

/* The server answers
 *   /later    not yet: x is kept in `pending`
 *   /big      with 8 MB of 'b'
 *   /refuse   401 from on_header
 *   /stream   in pieces: its stream is kept in `stream`
 *   /impostor with 101, but not by a WebSocket
 *   /ws       by a WebSocket that echoes
 *   /health   as the others, also when there are too many connections
 *   /words    as the others, refusals as {"status":STATUS,"why":WHY}
 *   the rest  with "METHOD PATH QUERY BODY".
 * A connection of a raw listener is echoed. */
struct net_test {
	uv_loop_t loop;
	uv_timer_t guard;
	struct http_config cfg;
	struct http_server *server;
	struct http_exchange *pending;
	/* When a header has come; NULL: nothing of the test's own. */
	void (*at_header)(struct net_test *t, struct http_exchange *x);
	void *own;                  /* the test's */
	struct http_stream *stream; /* NULL after its on_close; stream_closed counts those */
	unsigned stream_closed;
	bool end_at_once; /* the stream, from inside on_request */
	struct ws *ws;    /* the last one, NULL after its on_close */
	bool mute;        /* the WebSocket, or the raw connection, does not echo */
	struct tcp *tcp;  /* the last one, NULL after its on_close; tcp_data is its listener's */
	void *tcp_data;
	struct buffer tcp_got;
	unsigned tcp_opened, tcp_ends, tcp_closed;
	bool pause_on_bytes; /* the raw connection, each time */
	bool tcp_refuse;     /* it is dropped before it begins */
	bool pause_at_once, free_on_message;
	bool pause_on_message; /* the WebSocket, each time */
	struct buffer *taker; /* borrowed; NULL, or what takes each message of the WebSocket over */
	unsigned requests, aborts, headers, opened, closed, messages;
	size_t last_n; /* bytes of the last message */
	unsigned close_code;
	char why[256];
	bool freed;
	unsigned descriptors; /* open before the test */
};

struct net_peer {
	struct net_test *test;
	uv_poll_t poll;
	int fd; /* -1 once closed */
	struct buffer got;
	bool ended; /* the server said end of file */
	bool reset; /* or the connection broke */
	bool closing, closed;
};

extern const struct http_config net_test_config;

/* One more listener; its number. */
unsigned net_test_listen(struct net_test *t, const struct http_listener_config *cfg);
/* cfg NULL: net_test_config. */
void net_test_start(struct net_test *t, const struct http_config *cfg);
/* Frees the server and checks that no descriptor has been lost. */
void net_test_stop(struct net_test *t);
/* The same as cmocka has it: *state is a struct net_test, made and freed. */
int net_test_setup(void **state);
int net_test_teardown(void **state);
/* Starts again with another configuration. */
void net_test_restart(struct net_test *t, const struct http_config *cfg);
void net_test_free_server(struct net_test *t); /* before net_test_stop, when its end is the test */
void net_test_wait(struct net_test *t, bool (*until)(void *arg), void *arg);
void net_test_wait_count(struct net_test *t, const unsigned *counter, unsigned value);
void net_test_wait_idle(struct net_test *t); /* until no connection is open */
unsigned net_test_descriptors(void);
void net_test_wait_descriptors(struct net_test *t, unsigned wanted);

void net_peer_open(struct net_peer *p, struct net_test *t); /* to the first listener */
void net_peer_open_at(struct net_peer *p, struct net_test *t, unsigned listener);
void net_peer_send(struct net_peer *p, const void *bytes, size_t n);
ssize_t net_peer_try_send(
    struct net_peer *p, const void *bytes, size_t n); /* -1: the socket is full */
void net_peer_say(struct net_peer *p, const char *text);
void net_peer_wait_bytes(struct net_peer *p, size_t n);
void net_peer_wait_text(struct net_peer *p, const char *text); /* anywhere in what has come */
void net_peer_wait_end(struct net_peer *p);
void net_peer_stop_reading(struct net_peer *p);
void net_peer_read(struct net_peer *p);
void net_peer_shut(struct net_peer *p);        /* end of file to the server */
void net_peer_close(struct net_peer *p);       /* in order */
void net_peer_break(struct net_peer *p);       /* by a reset */
const char *net_peer_text(struct net_peer *p); /* what has come, as a string */
void net_peer_forget(struct net_peer *p);      /* what has come */

/* Opens a WebSocket: the handshake is done and forgotten. */
void net_peer_open_ws(struct net_peer *p, struct net_test *t);
/* A masked frame with this first byte. */
void net_peer_frame(struct net_peer *p, uint8_t first, const void *bytes, size_t n);
/* Waits for a frame and takes it: its first byte is returned, up to `room` bytes of the payload are copied. */
uint8_t net_peer_take_frame(struct net_peer *p, void *payload, size_t room, size_t *n_out);
/* Waits for a close frame, which must be the next one, and returns its code. */
unsigned net_peer_take_close(struct net_peer *p);

#endif
