/* websocket_internal: how a WebSocket begins: by http_upgrade, and by ws_client. */
#ifndef NET_WEBSOCKET_INTERNAL_H
#define NET_WEBSOCKET_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/websocket.h"

struct conn;

enum ws_role { WS_SERVER, WS_CLIENT }; /* a client masks what it sends */

struct ws_limits {
	size_t message_bytes; /* received */
	size_t send_bytes;    /* unsent */
	unsigned linger_ms;
	bool allow_unmasked; /* by a client; else it is a violation */
};

/* Takes over a connection whose handshake is done. Borrows
 * events and arg until on_close. */
struct ws *ws_start(struct conn *c, enum ws_role role, const struct ws_limits *limits,
    const struct ws_events *events, void *arg);
/* What came behind the handshake: delivered from the loop, before anything else. At most once, right after ws_start. */
void ws_unread(struct ws *ws, const void *bytes, size_t n);

#endif
