/* tls_internal: what tls.c and tls_session.c share. */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include <openssl/ssl.h>

struct tls {
	SSL_CTX *ctx;                      /* owned; sessions hold on to the one they began with */
	char *certificate_path, *key_path; /* owned; NULL: a client's */
};

/* Why the last call into OpenSSL failed, in its words. Forgets it. */
const char *tls_why(void);

#endif
