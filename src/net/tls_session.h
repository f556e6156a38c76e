/* tls_session: one TLS connection as a translator between two feeds of bytes: knows no socket and never waits.
 * Loop thread. */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;
struct tls;
struct tls_session;

/* The server's side. NULL: no memory. */
struct tls_session *tls_session_new(struct tls *tls);
/* The client's, which has said the first word already: `host`, a name or an address, must be the certificate's. */
struct tls_session *tls_session_new_client(struct tls *tls, const char *host);
void tls_session_free(struct tls_session **s);

/* What has come from the peer: lent until all is taken or tls_session_keep. */
void tls_session_lend(struct tls_session *s, const uint8_t *bytes, size_t n);
/* Keeps a copy of what has not been taken of it. -1: no memory. */
int tls_session_keep(struct tls_session *s);
bool tls_session_has_input(const struct tls_session *s); /* something has not been taken */

enum tls_take {
	TLS_BYTES,
	TLS_MORE, /* nothing before more comes */
	TLS_END,  /* the peer has said that it sends no more */
	TLS_BROKEN,
};

/* Takes the next bytes, *n_out of them, and goes on with the handshake until there are any. TLS_BROKEN: *err says why. In any
 * case there may be something to send now. */
enum tls_take tls_session_take(
    struct tls_session *s, uint8_t *to, size_t room, size_t *n_out, struct error *err);
/* The handshake is done: bytes can be put. */
bool tls_session_is_open(const struct tls_session *s);
/* It broke because the peer speaks HTTP in the clear. */
bool tls_session_met_http(const struct tls_session *s);

int tls_session_put(struct tls_session *s, const void *bytes, size_t n); /* -1: no memory */
void tls_session_say_end(struct tls_session *s); /* that no more will be put */

/* What is to be sent to the peer; the caller takes it out. */
struct buffer *tls_session_output(struct tls_session *s);

#endif
