/* tls: a certificate and its key, as a listener speaks TLS with them, or whom a client trusts: 1.2 or later, ALPN http/1.1,
 * no renegotiation. Loop thread only. */
#ifndef NET_TLS_H
#define NET_TLS_H

struct error;
struct tls;

/* Reads two PEM files: the server's certificate with those that lead to its root behind it, and the key, without a passphrase.
 * NULL: *err says which file and what is wrong with it. */
struct tls *tls_new(const char *certificate_path, const char *key_path, struct error *err);
/* For connections that we make. Reads a PEM file of certificates, and only what they signed, or are, is trusted; NULL: what the
 * system trusts. NULL: *err says which file and what is wrong with it. */
struct tls *tls_new_client(const char *trusted_path, struct error *err);
/* A server's only. Reads both files again, for connections that begin from now on; open ones go on as they are. -1: *err says why, and nothing
 * has changed. */
int tls_reload(struct tls *tls, struct error *err);
/* What clients will have against the certificate in use, which is no reason not to serve: -1 and a sentence in *err. 0: nothing that
 * can be told from here. */
int tls_check(const struct tls *tls, struct error *err);
/* Open connections go on; no listener may have it any more. */
void tls_free(struct tls **tls);

#endif
