/* http: an HTTP/1.1 server on libuv: listeners, with TLS or without, connections, requests, answers, and the way over to a
 * WebSocket. A listener may also be raw, for what is not HTTP. Knows nothing of speech.
 *
 * Each connection has one deadline for the phase it is in (header, body, idle, closing), which a drip of bytes does not put
 * off; an answer is sent for as long as the client takes some of it. Header and body are bounded. A request that could be read in two ways (duplicate or conflicting lengths, bare
 * LF, space before the colon, no Host) is refused with 400 and the connection closed.
 *
 * Server process, loop thread only. Callbacks come from the loop, never from inside a call into here,
 * except where said. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address_list.h"

struct error;
struct http_server; /* a set of listeners with one handler */
struct buffer;
struct http_exchange; /* one request and its answer; valid until the answer is given or on_abort */
struct tcp;
struct tls;
struct ws;
struct ws_events;
struct uv_loop_s;

struct http_config {
	/* Open at once. For one more one goes that is in the middle of a request, or of none (enum conn_worth says which); when
	 * all are being served, the one more gets 503 and Retry-After, unless http_events.is_vital. */
	unsigned max_connections;
	/* Of one IPv4 address or one IPv6 network of 64 bits, trusted proxies apart; for one more as above, one of that address
	 * goes. 0: no limit of its own. */
	unsigned max_connections_per_address;
	/* Proxies whose X-Forwarded-For is believed. */
	struct address_list trusted_proxies;
	/* From accept, or a next request's first byte, to the header's end, and from there to the body's. A client that is slow
	 * but goes on gets the time again: whenever it is over and at least progress_bytes have come in it. */
	unsigned header_timeout_ms, body_timeout_ms, progress_bytes;
	unsigned idle_timeout_ms;   /* kept alive between requests */
	unsigned linger_timeout_ms; /* from our close to the peer's */
	unsigned max_header_bytes;  /* more: 431 */
	size_t
	    max_body_bytes; /* more: 413; bodies are collected in memory, unless http_receive has them */
	unsigned max_message_bytes; /* a WebSocket message; more: close 1009 */
	unsigned
	    send_timeout_ms; /* a connection that takes nothing of what is sent for so long is dropped; 0: never */
	unsigned
	    send_buffer_bytes; /* unsent bytes of a WebSocket, a raw connection or an answer in pieces; more: it is closed */
};

struct http_events {
	/* The header has come, the body not yet. The handler may answer here, from inside, to refuse the request before
	 * its body is sent (the connection then ends, if there is a body); else the request goes on. Must not keep
	 * anything for `x`: of a client that leaves before its request is whole, nothing is told. May be NULL. */
	void (*on_header)(void *arg, struct http_exchange *x);
	/* The header has come of a request that is answered though its connection is one too many, such as a question for the
	 * server's health. NULL: none is. Nothing but the request may be asked. */
	bool (*is_vital)(void *arg, const struct http_exchange *x);
	/* A whole request has come. The handler answers now or later, by http_respond or http_upgrade or http_respond_stream,
	 * exactly once. May answer from inside. */
	void (*on_request)(void *arg, struct http_exchange *x);
	/* The client left, or shut its side, before the answer to a whole request; `x` is invalid when this returns. Not
	 * called after the answer. May be NULL. */
	void (*on_abort)(void *arg, struct http_exchange *x);
	/* The request is refused here, since it is malformed, late, too long or one too many: writes what is to be answered
	 * as JSON, zero-terminated, and returns true; false, or NULL here: the sentence `why` is the answer. Of `x` only
	 * http_path, which is "" if not even that has come, and http_listener_data may be asked; headers may be added. */
	bool (*word_refusal)(void *arg, struct http_exchange *x, unsigned status, const char *why,
	    char *json, size_t json_cap);
	/* A connection of a raw listener: to be given to tcp_start or tcp_drop, from inside. NULL if there are none. */
	void (*on_tcp)(void *arg, struct tcp *t, void *listener_data);
};

/* What is common to the connections of one listener. */
struct http_listener_config {
	/* "HOST:PORT", "[IPV6]:PORT", ":PORT" (all addresses); port 0 takes a free one. Read by http_server_listen only. */
	const char *address;
	void *data; /* the owner's own pointer, told by http_listener_data; lent */
	bool raw;   /* no HTTP is spoken: http_events.on_tcp has its connections */
	bool
	    allow_unmasked; /* WebSocket frames of clients need not be masked, as some clients have it wrong */
	struct tls *tls; /* NULL: in the clear; borrowed */
};

/* Borrows loop, events and arg, which must outlive the server. Makes the process ignore SIGPIPE. */
struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_config *cfg,
    const struct http_events *events, void *arg);
/* Copies cfg, its address apart. -1: *err says which address and why ("cannot listen on 127.0.0.1:8080: address already in
 * use"). */
int http_server_listen(
    struct http_server *s, const struct http_listener_config *cfg, struct error *err);
/* For connections and requests that begin from now on. */
void http_server_reconfigure(struct http_server *s, const struct http_config *cfg);
/* The same for a socket that listens already; its descriptor is the server's from here on, even on failure. */
int http_server_adopt(
    struct http_server *s, int fd, const struct http_listener_config *cfg, struct error *err);
/* The descriptor of listener i; -1 past the last. Lent. */
int http_server_listener_fd(const struct http_server *s, unsigned i);
/* The address of listener i as "127.0.0.1:8080", its real port included; NULL past the last. Lent. */
const char *http_server_address(const struct http_server *s, unsigned i);
/* Open connections go on, HTTP until their next answer, which says Connection: close. */
void http_server_stop_listening(struct http_server *s);
/* After http_server_stop_listening: calls on_empty, once, when no connection is open any more; from inside when there is
 * none. */
void http_server_when_empty(struct http_server *s, void (*on_empty)(void *arg), void *arg);
/* Drops every connection at once, calling on_abort and the on_close of WebSockets and raw connections, and frees the server when the
 * last handle has closed; then calls done (may be NULL). Sets *s to NULL. The loop must run on until then. */
void http_server_free(struct http_server **s, void (*done)(void *arg), void *arg);

/* The request: all lent until the answer. */
const char *http_method(const struct http_exchange *x); /* "GET" */
/* "/v1/stream": without the query, percent-decoded, slashes in a row made one and a last one left away, since clients put
 * paths together from pieces that end in one. */
const char *http_path(const struct http_exchange *x);
const char *http_query(const struct http_exchange *x); /* raw, without '?'; "" when there is none */
const char *http_target(const struct http_exchange *x); /* both as they came: "/a%20b?c" */
/* The first header of that name (any case) or NULL. */
const char *http_header(const struct http_exchange *x, const char *name);
/* The n-th header of that name, for those that may be repeated. */
const char *http_header_nth(const struct http_exchange *x, const char *name, unsigned n);
const void *http_body(const struct http_exchange *x, size_t *n_out);
/* From here on the body is the caller's, to be given back with buffer_done; it stays where it is, and the request has none. */
void http_take_body(struct http_exchange *x, struct buffer *out);
/* "127.0.0.1:54321"; with a trusted proxy as the peer it is whom that names as its client, as "1.2.3.4:0". */
const char *http_peer(const struct http_exchange *x);
/* The peer is a trusted proxy: what it says of the request in X-Forwarded-... is so. */
bool http_is_from_proxy(const struct http_exchange *x);
void *http_listener_data(
    const struct http_exchange *x); /* of the listener it came in by; NULL is usual */
void http_set_data(struct http_exchange *x, void *data); /* the handler's own pointer */
void *http_data(const struct http_exchange *x);

/* A body that is not collected but handed on as it comes, for one that may be larger than memory should hold. Each may
 * answer `x`, if it still stands. */
struct http_body_events {
	/* The next bytes of it; lent for the call. Not between http_receive_pause and http_receive_resume. */
	void (*on_bytes)(void *arg, const uint8_t *bytes, size_t n);
	/* It is whole: the handler answers now or later. In place of http_events.on_request. */
	void (*on_whole)(void *arg);
	/* The client left before the answer, or its request was refused here (late, too long, malformed), as `why` says; `x` is
	 * invalid when this returns. Not called after the answer. In place of http_events.on_abort. */
	void (*on_lost)(void *arg, const char *why);
};

struct http_body_limit { /* in place of max_body_bytes; more: 413, which names `setting` */
	uint64_t bytes;
	const char *setting; /* borrowed until the answer */
};

/* From inside on_header, which need not answer then: the body comes by these events. The handler may answer at any time from
 * here on; what has not come by then is thrown away and the connection ended. Borrows events and arg until the answer or on_lost. */
void http_receive(struct http_exchange *x, const struct http_body_limit *limit,
    const struct http_body_events *events, void *arg);
/* Nothing more is read, so that TCP holds the client back; body_timeout_ms waits, and a client that leaves is not noticed. */
void http_receive_pause(struct http_exchange *x);
void http_receive_resume(struct http_exchange *x);

struct http_answer {
	unsigned status;
	const char *content_type; /* NULL: "text/plain; charset=utf-8" */
	const char *headers;      /* more header lines, each ended by \r\n; NULL: none */
	const void *body;
	size_t body_bytes;
};

/* Header lines, each ended by \r\n, for whatever answers the request, beside the answer's own; not for a 101. Copied; called
 * again, they are added. */
void http_add_headers(struct http_exchange *x, const char *lines);
/* Whether one of this name was added; it is told apart as it is written. */
bool http_has_added(const struct http_exchange *x, const char *name);
/* Copies the answer and sends it; `x` is invalid afterwards. */
void http_respond(struct http_exchange *x, const struct http_answer *a);
/* The common case: a JSON body. */
void http_respond_json(struct http_exchange *x, unsigned status, const char *json);
/* ... with more headers, as http_answer has them. `json` NULL, since memory was out: an empty object. */
void http_respond_json_with(
    struct http_exchange *x, unsigned status, const char *json, const char *headers);

/* An answer whose pieces come one after the other, such as events as they happen. */
struct http_stream;

struct http_stream_events {
	/* The client left, or shut its side, or took too little, or the server is freed, before http_stream_end: once, from
	 * the loop or from http_server_free; the stream is invalid when this is called. */
	void (*on_close)(void *arg);
};

/* Sends the head, whose body is ignored, and keeps the answer open; `x` is invalid afterwards. Chunked, or for HTTP/1.0 bytes
 * up to the connection's end. For HEAD and for a status without body the pieces are thrown away. Only in or after on_request.
 * There is no time limit on the whole; send_timeout_ms applies. Borrows events and arg until on_close or the end. */
struct http_stream *http_respond_stream(struct http_exchange *x, const struct http_answer *head,
    const struct http_stream_events *events, void *arg);
/* Copies. -1 when send_buffer_bytes would be passed: the connection is then being dropped and on_close will come. */
int http_stream_send(struct http_stream *s, const void *bytes, size_t n);
/* The answer is whole: `s` is invalid afterwards and no event comes. The connection goes on with its next request. */
void http_stream_end(struct http_stream *s);

/* Whether the request asks for a WebSocket: a well-formed one. *err words what is malformed in one that tries
 * (the handler answers it with 400). */
enum http_upgrade_wish { HTTP_NO_UPGRADE, HTTP_UPGRADE, HTTP_BAD_UPGRADE };
enum http_upgrade_wish http_wants_websocket(const struct http_exchange *x, struct error *err);

/* Answers 101 and turns the connection into a WebSocket: no extensions, `subprotocol` echoed unless NULL,
 * with more `headers`, each ended by \r\n, unless NULL. `x` is invalid afterwards. Bytes that came behind the request are
 * delivered from the loop, not from inside. */
struct ws *http_upgrade(struct http_exchange *x, const char *subprotocol, const char *headers,
    const struct ws_events *events, void *arg);

#endif
