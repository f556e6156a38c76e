/* ws_handshake: what is particular to the WebSocket handshake (RFC 6455, 4): the key and its answer, the checks of a
 * request, the answer 101. */
#ifndef NET_WS_HANDSHAKE_H
#define NET_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct error;

enum {
	WS_HANDSHAKE_NONCE_BYTES = 16,
	WS_HANDSHAKE_KEY_BYTES = 25,    /* base64 of the nonce, and a NUL */
	WS_HANDSHAKE_ACCEPT_BYTES = 29, /* base64 of a SHA-1, and a NUL */
};

struct ws_handshake_request { /* headers, or NULL; lent */
	const char *method, *upgrade, *connection, *version, *key;
	bool key_twice, is_1_1, has_body;
};

/* Whether a comma-separated header has the word, in any case. */
bool ws_handshake_has_word(const char *header, const char *word);

/* Whether a request that has the word in its Upgrade header can be answered by 101; -1: *err says what is missing. */
int ws_handshake_check(const struct ws_handshake_request *r, struct error *err);

void ws_handshake_key(
    const uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES], char key[WS_HANDSHAKE_KEY_BYTES]);
void ws_handshake_accept(const char *key, char accept[WS_HANDSHAKE_ACCEPT_BYTES]);

/* `subprotocol` may be NULL, and so may `headers`: more lines, each ended by \r\n. */
void ws_handshake_write(
    struct conn *c, const char *accept, const char *subprotocol, const char *headers);

#endif
