/* credential: the API key a request carries. Clients of other servers bring it in many ways; all are taken, so that a
 * client need not know which server this is. In this order, the first one counts:
 *
 *   Authorization: Bearer K, Authorization: Token K      (the word in any case)
 *   X-API-Key: K, api-key: K
 *   Sec-WebSocket-Protocol: openai-insecure-api-key.K    (browsers cannot send headers)
 *   Sec-WebSocket-Protocol: token, K or bearer, K
 *   ?api_key=K, ?token=K, ?access_token=K                (percent-encoded)
 *
 * Pure. */
#ifndef ACCESS_CREDENTIAL_H
#define ACCESS_CREDENTIAL_H

#include <stddef.h>

struct http_exchange;

enum { CREDENTIAL_BYTES = 512 };

struct credential_request { /* headers, or NULL; the query, or ""; lent */
	const char *authorization, *x_api_key, *api_key, *protocols, *query;
};

/* BROKEN: there is one that cannot be a key: too long, or not properly percent-encoded. */
enum credential_found { CREDENTIAL_NONE, CREDENTIAL_FOUND, CREDENTIAL_BROKEN };

/* The key is in `text` when there is one, "" otherwise. */
enum credential_found credential_find(
    const struct credential_request *r, char text[CREDENTIAL_BYTES]);
enum credential_found credential_of(const struct http_exchange *x, char text[CREDENTIAL_BYTES]);

/* Which of the offered subprotocols (NULL: none) is to be answered: realtime, token, bearer or ws, else the first; never
 * one that is a key. NULL: none, or it does not fit. */
const char *credential_subprotocol(const char *protocols, char *out, size_t out_bytes);

#endif
