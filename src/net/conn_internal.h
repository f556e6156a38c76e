/* conn_internal: what conn.c, conn_tls.c and conn_send.c share: the connection. */
#ifndef NET_CONN_INTERNAL_H
#define NET_CONN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "net/address.h"
#include "net/address_list.h"
#include "net/conn.h"
#include "net/stall.h"

/* OPEN: owned. FLUSHING: the last bytes are being sent. DRAINING: our end of file is sent, the peer's is
 * awaited. CLOSED: libuv is closing the handles. */
enum conn_state { CONN_NONE, CONN_OPEN, CONN_FLUSHING, CONN_DRAINING, CONN_CLOSED, CONN_STATES };
enum conn_step { CONN_FINISH, CONN_FLUSHED, CONN_PEER_ENDED, CONN_DROP, CONN_STEPS };

/* What the socket did not take at once. Two buffers, because libuv holds on to the one being written. */
struct backlog {
	uv_write_t req;
	struct buffer sending; /* untouched while req is under way */
	struct buffer waiting;
};

/* How conn_send.c and conn_tls.c speak up to conn.c, which is above both; conn_tls.c is above conn_send.c. */
struct conn_ops {
	void (*arm_timer)(struct conn *c); /* to whatever is due next */
	/* The owner's way to hear that reading or writing has ended. It may be gone or have finished meanwhile. */
	void (*tell_end)(struct conn *c, int status);
	void (*all_sent)(struct conn *c); /* nothing waits for the socket any more */
	/* As the functions of net/conn.h. */
	void (*read_stop)(struct conn *c);
	void (*finish)(struct conn *c, unsigned linger_ms);
	void (*drop)(struct conn *c);
};

struct conn {
	const struct conn_ops *ops; /* borrowed; conn.c's */
	uv_tcp_t tcp;
	uv_timer_t timer; /* the deadline or the next look at what was sent, or now for a kick */
	union {
		uv_connect_t connect;
		uv_shutdown_t shutdown;
	} req;
	struct conn_list *list; /* borrowed */
	struct conn *prev, *next;
	const struct conn_events *events; /* borrowed; NULL: nobody listens */
	void *arg;                        /* borrowed */
	struct conn_tls *tls;             /* owned; NULL: in the clear */
	struct backlog *backlog;          /* owned; NULL while the socket takes everything */
	uint64_t deadline_ms;             /* in uv_now's time; 0: none */
	uint64_t written;                 /* bytes given to conn_write */
	uint64_t received;                /* bytes the socket brought */
	struct stall stall;
	size_t drained_bytes;
	uint64_t worth_ms; /* in uv_now's time: since when it has its worth */
	enum conn_worth worth;
	enum conn_state state;
	int broken;      /* 0, or the libuv code with which a write failed; told by the timer */
	bool peer_ended; /* nothing more can be read */
	bool reading;    /* the owner wants to read */
	bool kicked;
	bool tls_due; /* what TLS has kept is to be taken, before the socket is read again */
	bool stalled;
	bool lingers;    /* is counted as such by its list */
	uint8_t handles; /* not yet closed */
	char peer[ADDRESS_BYTES];
	struct address_ip peer_ip;
};

/* conn_write below TLS: the bytes as they go to the socket. Also while finishing. */
void conn_send(struct conn *c, const uv_buf_t *parts, unsigned n);

void conn_backlog_free(struct conn *c);
size_t conn_backlog_bytes(
    const struct conn *c); /* given to conn_send, and not taken by the socket */
/* The time has come to see how much of what was sent the peer has taken. */
void conn_look_at_sent(struct conn *c);

/* conn_tls.c; those that do not take "NULL: in the clear" are for connections with TLS only. */
void conn_tls_free(struct conn *c);                /* NULL is fine */
bool conn_tls_has_failed(const struct conn *c);    /* NULL is fine */
bool conn_tls_has_input(const struct conn *c);     /* something was not taken; NULL is fine */
size_t conn_tls_early_bytes(const struct conn *c); /* waiting for the handshake; NULL is fine */
void conn_tls_write(struct conn *c, const uv_buf_t *parts, unsigned n);
/* Bytes came from the socket. False: nobody wants them. */
bool conn_tls_take(struct conn *c, const uint8_t *bytes, size_t n);
void conn_tls_take_kept(struct conn *c);
void conn_tls_finish(struct conn *c);      /* tells the peer that this was all */
void conn_tls_drop_failed(struct conn *c); /* as conn_drop, but the alert arrives */

#endif
