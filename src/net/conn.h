/* conn: a connection as a feed of bytes: read, write, one deadline, and an end that loses nothing.
 * It knows no protocol but TLS, which may lie between the socket and the feed.
 *
 * One owner at a time listens through conn_events; ownership ends with conn_finish or conn_drop, after which
 * no event comes. The memory goes when libuv has closed the handles, always from the loop, so a conn stays
 * usable until the callback that dropped it has returned.
 *
 * Loop thread only. Events come from the loop, never from inside a call into here, except conn_list_drop. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct address_ip;
struct conn;
struct tls;

struct conn_events {
	/* conn_connect only: 0, or why not (a libuv code). */
	void (*on_open)(void *arg, int status);
	/* Bytes have come; lent for the call. */
	void (*on_read)(void *arg, const uint8_t *bytes, size_t n);
	/* Nothing more will be read: UV_EOF when the peer ended in order, UV_ECANCELED from conn_list_drop, UV_EBUSY from
	 * conn_list_give_up, whereupon it must be finished or dropped from inside, UV_EPROTO when TLS
	 * failed, else what broke, UV_ETIMEDOUT with conn_stalled_ms if the peer took nothing of what was sent for too long. Only writing can go on, after UV_EOF; the owner finishes or drops, now or later. */
	void (*on_end)(void *arg, int status);
	void (*on_deadline)(void *arg);
	void (*on_kick)(void *arg);    /* asked for by conn_kick */
	void (*on_drained)(void *arg); /* unsent bytes came down to 0; may be NULL */
};

/* Who may go when there are too many of a list. First those that stand still in the middle of a request, then those that
 * rest, then those in the middle of one that have just gone on; of each the one that has been so for longest. */
enum conn_worth {
	CONN_WORTH_WORK, /* is served, and never given up; so is a new one */
	CONN_WORTH_HALF, /* half a handshake, half a request, or silence; told anew whenever it goes on */
	CONN_WORTH_IDLE, /* was answered, and is kept in case it asks for more */
};

/* The connections of one server or client. Plain data, zeroed is empty, except for on_gone. */
struct conn_list {
	struct conn *first;
	size_t count;
	size_t lingering; /* of those: finished, and waiting for their peers to end */
	/* A connection is not in the list any more and its memory is about to go; may be NULL. */
	void (*on_gone)(void *arg, const struct conn *c);
	void *arg;
};

/* Makes a write to a connection that is gone an error (EPIPE) instead of the end of the process, for the whole
 * process. To be called before the first connection. */
void conn_ignore_sigpipe(void);

/* Takes the next connection from `listener` into the list, without reading yet. NULL: there was none after all. */
struct conn *conn_accept(struct conn_list *list, uv_stream_t *listener);
/* Puts it into another list of the same loop. */
void conn_move(struct conn *c, struct conn_list *to);
/* Speaks TLS, as the server; right after conn_accept. What is written before the handshake is done waits for that. Reads `tls`
 * only now. -1: no memory. */
int conn_secure(struct conn *c, struct tls *tls);
/* The same as the client of `host`, a name or an address, whose certificate must be trusted; right after on_open. */
int conn_secure_as_client(struct conn *c, struct tls *tls, const char *host);
const char *conn_tls_why(const struct conn *c); /* after UV_EPROTO: in words; else ""; lent */
bool conn_is_secured(const struct conn *c);     /* the handshake is done, or there is none */
/* Begins to connect; on_open follows. NULL: *status_out has the libuv code. */
struct conn *conn_connect(struct conn_list *list, uv_loop_t *loop, const struct sockaddr *to,
    const struct conn_events *events, void *arg, int *status_out);
/* Drops every connection of the list; each owner first gets on_end(UV_ECANCELED), from inside. */
void conn_list_drop(struct conn_list *list);
/* Drops the one that lingers longest; false: none does. */
bool conn_list_drop_lingering(struct conn_list *list);
void conn_set_worth(struct conn *c, enum conn_worth worth); /* from now on */
/* Ends the one that may best be missed, of those of this address (as address_ip_owner has it) or, with NULL, of all, its owner
 * hearing of it from inside; false: all are at work. */
bool conn_list_give_up(struct conn_list *list, const struct address_ip *owner);

/* Borrows events and arg until the connection is finished, dropped or given to another owner by this. */
void conn_set_owner(struct conn *c, const struct conn_events *events, void *arg);
const char *conn_peer(const struct conn *c);                 /* "127.0.0.1:54321"; lent */
const struct address_ip *conn_peer_ip(const struct conn *c); /* lent */
uv_loop_t *conn_loop(const struct conn *c);

/* As they came from the socket, those of TLS included. */
uint64_t conn_received_bytes(const struct conn *c);

void conn_read_start(struct conn *c); /* no effect after on_end */
void conn_read_stop(struct conn *c);

/* Sends what the socket takes at once and copies the rest behind what is already waiting. A failure shows as on_end. */
void conn_write(struct conn *c, const uv_buf_t *parts, unsigned n);
size_t conn_unsent_bytes(const struct conn *c);
/* A peer that takes nothing of what was sent for so long is given up: on_end(UV_ETIMEDOUT), and the memory of both ends is
 * freed by a reset. 0, as it is at first: never. Whoever owns the connection. */
void conn_set_send_timeout(struct conn *c, unsigned ms);
unsigned conn_stalled_ms(
    const struct conn *c); /* 0: it has not been given up for that; else the timeout */

void conn_set_deadline(struct conn *c, unsigned ms); /* from now; 0: none. Replaces the last one. */
void conn_kick(struct conn *c);                      /* asks for one on_kick */

/* Ends the connection so that the last bytes arrive: sends what waits, says end of file, reads and throws away what
 * the peer still sends (closing with unread bytes would make TCP reset what we sent), then closes. After linger_ms,
 * or too many bytes, it just closes. */
void conn_finish(struct conn *c, unsigned linger_ms);
void conn_drop(struct conn *c); /* closes now; no effect when it is closing already */

#endif
