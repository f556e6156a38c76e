/* tcp_internal: how a raw connection begins. */
#ifndef NET_TCP_INTERNAL_H
#define NET_TCP_INTERNAL_H

#include <stddef.h>

#include "net/tcp.h"

struct conn;

struct tcp_limits {
	size_t send_bytes; /* unsent */
	unsigned linger_ms;
	unsigned handshake_ms; /* for TLS */
};

/* Takes over an accepted connection, without reading yet. */
struct tcp *tcp_new(struct conn *c, const struct tcp_limits *limits);

#endif
