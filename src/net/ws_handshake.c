#include "net/ws_handshake.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"
#include "net/conn.h"
#include "net/sha1.h"

enum { ANSWER_BYTES = 512, KEY_CHARS = WS_HANDSHAKE_KEY_BYTES - 1 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool ws_handshake_has_word(const char *header, const char *word)
{
	size_t n = strlen(word);

	for (;;) {
		size_t item;

		header += strspn(header, " \t,");
		item = strcspn(header, ", \t");
		if (item == 0)
			return false;
		if (item == n && strncasecmp(header, word, n) == 0)
			return true;
		header += item;
	}
}

static int check_key(const struct ws_handshake_request *r, struct error *err)
{
	if (r->key == NULL)
		return error_set(err, ERROR_INVALID, "the request has no Sec-WebSocket-Key header");
	if (r->key_twice)
		return error_set(
		    err, ERROR_INVALID, "the request has more than one Sec-WebSocket-Key header");
	if (strlen(r->key) != KEY_CHARS || strspn(r->key, alphabet) != KEY_CHARS - 2 ||
	    strcmp(r->key + KEY_CHARS - 2, "==") != 0)
		return error_set(err, ERROR_INVALID,
		    "Sec-WebSocket-Key '%.64s' is not base64 of 16 bytes", r->key);
	return 0;
}

int ws_handshake_check(const struct ws_handshake_request *r, struct error *err)
{
	if (strcmp(r->method, "GET") != 0)
		return error_set(
		    err, ERROR_INVALID, "a WebSocket is asked for by GET, not by %s", r->method);
	if (!r->is_1_1)
		return error_set(
		    err, ERROR_INVALID, "a WebSocket is asked for over HTTP/1.1, not HTTP/1.0");
	if (r->has_body)
		return error_set(err, ERROR_INVALID, "a request for a WebSocket has no body");
	if (r->connection == NULL || !ws_handshake_has_word(r->connection, "upgrade"))
		return error_set(err, ERROR_INVALID, "the Connection header does not say Upgrade");
	if (r->version == NULL || strcmp(r->version, "13") != 0)
		return error_set(err, ERROR_INVALID,
		    "Sec-WebSocket-Version '%.16s' is not supported; 13 is",
		    r->version == NULL ? "" : r->version);
	return check_key(r, err);
}

void ws_handshake_key(
    const uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES], char key[WS_HANDSHAKE_KEY_BYTES])
{
	base64_encode(nonce, WS_HANDSHAKE_NONCE_BYTES, key);
}

void ws_handshake_accept(const char *key, char accept[WS_HANDSHAKE_ACCEPT_BYTES])
{
	char text[KEY_CHARS + sizeof "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"];
	uint8_t digest[SHA1_BYTES];
	int n =
	    snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", KEY_CHARS, key);

	sha1_digest(text, (size_t)n, digest);
	base64_encode(digest, sizeof digest, accept);
}

void ws_handshake_write(
    struct conn *c, const char *accept, const char *subprotocol, const char *headers)
{
	char text[ANSWER_BYTES];
	bool has = subprotocol != NULL;
	int n = snprintf(text, sizeof text,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n%s",
	    accept, has ? "Sec-WebSocket-Protocol: " : "");
	const char *rest[] = { has ? subprotocol : "", has ? "\r\n" : "",
		headers == NULL ? "" : headers, "\r\n" };
	uv_buf_t parts[1 + ARRAY_SIZE(rest)] = { uv_buf_init(text, (unsigned)n) };

	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		parts[1 + i] = uv_buf_init((char *)(uintptr_t)rest[i], (unsigned)strlen(rest[i]));
	conn_write(c, parts, ARRAY_SIZE(parts));
}
