/* http_internal: what http.c, http_server.c and http_exchange.c share: the server and the exchange. */
#ifndef NET_HTTP_INTERNAL_H
#define NET_HTTP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buffer.h"
#include "net/address.h"
#include "net/conn.h"
#include "net/http.h"
#include "net/http_parse.h"

struct address_tally;

struct http_listener {
	uv_tcp_t tcp;
	struct http_server *server; /* borrowed */
	struct http_listener *next;
	struct http_listener_config cfg; /* without the address */
	char address[ADDRESS_BYTES];     /* with the real port; "" when it could not be opened */
	bool open;
};

struct http_server {
	uv_loop_t *loop;                  /* borrowed */
	const struct http_events *events; /* borrowed */
	void *arg;                        /* borrowed */
	struct http_config cfg;
	struct http_listener *listeners; /* owned, in the order they were added */
	unsigned handles;                /* listeners and the end handle, not yet closed */
	struct conn_list conns;
	struct conn_list refused;    /* just accepted; or one too many, and being told so */
	struct address_tally *tally; /* owned: of `conns`, by address_ip_owner */
	bool stopped;   /* no new requests on old connections: answers say Connection: close */
	uv_timer_t end; /* closed last, so that the end is told from the loop */
	void (*on_empty)(void *arg); /* NULL: nobody waits for that */
	void *empty_arg;
	void (*done)(void *arg);
	void *done_arg;
	bool freeing;
	uint64_t told_ns; /* when it was last said that connections cannot be accepted; 0: never */
};

/* Somebody connects to the listener, or `status` says why that failed. */
void http_accept(struct http_listener *l, int status);
/* One of the server's connections goes. */
void http_accept_gone(struct http_server *s, const struct conn *c);

/* Where the one request of a connection is. */
enum http_phase {
	HTTP_NONE,
	HTTP_IDLE, /* kept alive, nothing of a next request has come */
	HTTP_HEADER,
	HTTP_BODY,
	HTTP_PENDING,   /* the handler has it */
	HTTP_STREAMING, /* the handler sends the answer piece by piece */
	HTTP_SENDING,   /* answered; the socket has not taken all of the answer */
	HTTP_LAST,      /* so too, and the connection ends with it */
	HTTP_GONE,      /* the connection is not ours any more */
	HTTP_PHASES,
};

struct http_exchange {
	struct http_server *server;           /* borrowed */
	const struct http_listener *listener; /* it came in by this one; borrowed */
	struct conn *conn;                    /* ours until HTTP_GONE */
	enum http_phase phase;
	struct http_parse *parse; /* owned */
	struct buffer body;
	const struct http_body_events
	    *receiver; /* borrowed; of http_receive; NULL: the body is collected */
	void *receiver_arg;
	bool paused;                /* the receiver takes nothing now */
	uint64_t mark_bytes;        /* conn's received bytes when the deadline was set */
	struct buffer backlog;      /* came after the request that is being answered */
	struct http_bytes *in;      /* lent: input being fed right now, NULL outside of that */
	char *path;                 /* owned, NULL before the header's end */
	const char *query;          /* in parse's memory or "" */
	void *data;                 /* the handler's */
	char peer[ADDRESS_BYTES];   /* the client, if it is not conn's peer; else "" */
	struct http_stream *stream; /* owned, by http_stream.c; NULL unless HTTP_STREAMING */
	const struct http_stream_ops *stream_ops; /* borrowed; its own */
	bool in_on_header;
	char *too_many; /* owned: why there is no place for its connection; NULL: there is */
	char *headers;  /* owned; of http_add_headers; NULL: none */
};

/* Begins the time its phase may take, if that is limited. */
void http_exchange_set_deadline(struct http_exchange *x);
/* Takes over a connection that was accepted by this listener; `too_many` NULL, or the sentence with which its one request is
 * refused, unless that is vital. */
void http_exchange_start(struct http_listener *l, struct conn *c, const char *too_many);
/* What an exchange asks of an answer in pieces. */
struct http_stream_ops {
	/* More has been sent than may wait: the connection is to be dropped. */
	bool (*is_over)(const struct http_stream *s);
	/* Tells its owner that the client is gone, and frees it. */
	void (*lose)(struct http_stream *s);
};

/* The head of an answer in pieces has been written; the request is forgotten. */
void http_exchange_stream(
    struct http_exchange *x, struct http_stream *s, const struct http_stream_ops *ops);
/* The answer has been written. `keep` false: the connection ends. x may be gone afterwards. */
void http_exchange_answered(struct http_exchange *x, bool keep);
/* Gives the connection away, with what came behind the request in *rest (lent for the call). x is gone after
 * http_exchange_leave. */
struct conn *http_exchange_detach(struct http_exchange *x, struct http_bytes *rest);
void http_exchange_leave(struct http_exchange *x);
/* Ends the connection at once; x is gone. */
void http_exchange_drop(struct http_exchange *x);

#endif
