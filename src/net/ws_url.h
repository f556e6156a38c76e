/* ws_url: the parts of a WebSocket's address. Pure. */
#ifndef NET_WS_URL_H
#define NET_WS_URL_H

#include <stdbool.h>

struct error;

struct ws_url {         /* plain data */
	bool secure;    /* wss: over TLS */
	char host[256]; /* without the brackets of IPv6 */
	unsigned port;
	char where[272];    /* "HOST:PORT" as for people and the Host header */
	const char *target; /* in the text that was parsed: "/PATH?QUERY", "?QUERY" or "" */
};

/* ws://HOST[:PORT][/PATH][?QUERY], or wss://; -1: *err says what is wrong. */
int ws_url_parse(const char *text, struct ws_url *out, struct error *err);

#endif
