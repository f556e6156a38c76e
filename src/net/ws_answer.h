/* ws_answer: reads a server's answer to a WebSocket handshake. Pure. */
#ifndef NET_WS_ANSWER_H
#define NET_WS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ws_handshake.h"

struct ws_answer {         /* plain data */
	unsigned status;   /* 0: not known yet */
	bool is_upgrade;   /* 101, and its header is complete: the WebSocket's bytes follow */
	size_t head_bytes; /* up to those */
	bool is_told;      /* no upgrade, and `line` is complete */
	char accept
	    [WS_HANDSHAKE_ACCEPT_BYTES]; /* of Sec-WebSocket-Accept; a longer value is cut and so wrong */
	char line[128];                  /* the first of the body, maybe cut */
};

/* Reads all that has come so far, from its start. -1: it is not HTTP. */
int ws_answer_read(const uint8_t *bytes, size_t n, struct ws_answer *out);

#endif
