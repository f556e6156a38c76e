#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/util.h"
#include "net/tls_internal.h"

static const unsigned char alpn[] = "\x08http/1.1"; /* its length comes first */

const char *tls_why(void)
{
	unsigned long code = ERR_peek_error(); /* the first one is nearest to the cause */
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return why != NULL ? why : "no reason given";
}

/* A key with a passphrase is refused; by default the terminal would be asked for it. */
static int on_passphrase(char *to, int room, int writing, void *arg)
{
	bool *asked = arg;

	(void)to;
	(void)room;
	(void)writing;
	*asked = true;
	return -1;
}

/* A client that offers protocols must offer ours. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *offered, unsigned n, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, alpn, sizeof alpn - 1, offered, n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int check_readable(const char *what, const char *path, struct error *err)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return error_set_errno(
		    err, ERROR_CONFIG, "cannot read the TLS %s '%.100s'", what, path);
	(void)fclose(f);
	return 0;
}

static int load_certificate(SSL_CTX *ctx, const char *path, struct error *err)
{
	if (check_readable("certificate", path, err) != 0)
		return -1;
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, path) == 1)
		return 0;
	return error_set(err, ERROR_CONFIG,
	    "the TLS certificate '%.100s' cannot be used; it must be PEM (-----BEGIN "
	    "CERTIFICATE-----): %s",
	    path, tls_why());
}

static EVP_PKEY *read_key(const char *path, struct error *err)
{
	EVP_PKEY *key;
	bool asked = false;
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		(void)error_set_errno(err, ERROR_CONFIG, "cannot read the TLS key '%.100s'", path);
		return NULL;
	}
	ERR_clear_error();
	key = PEM_read_PrivateKey(f, NULL, on_passphrase, &asked);
	(void)fclose(f);
	if (key == NULL && asked)
		(void)error_set(err, ERROR_CONFIG,
		    "the TLS key '%.100s' has a passphrase; it must be without one", path);
	else if (key == NULL)
		(void)error_set(err, ERROR_CONFIG,
		    "the TLS key '%.100s' cannot be used; it must be PEM (-----BEGIN PRIVATE "
		    "KEY-----): %s",
		    path, tls_why());
	return key;
}

/* Which of the certificates behind the first, counted from 1, has the key; 0: none. */
static int place_of(SSL_CTX *ctx, EVP_PKEY *key)
{
	STACK_OF(X509) *chain = NULL;

	(void)SSL_CTX_get0_chain_certs(ctx, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (X509_check_private_key(sk_X509_value(chain, i), key) == 1)
			return i + 2;
	return 0;
}

static int refuse_pair(SSL_CTX *ctx, EVP_PKEY *key, const struct tls *tls, struct error *err)
{
	int place = place_of(ctx, key);

	if (place > 0)
		return error_set(err, ERROR_CONFIG,
		    "certificate %d in '%.100s' is the one of the TLS key '%.100s'; it must be the "
		    "first, before those it stands on",
		    place, tls->certificate_path, tls->key_path);
	return error_set(err, ERROR_CONFIG,
	    "the TLS key '%.100s' does not belong to the certificate '%.100s'", tls->key_path,
	    tls->certificate_path);
}

static int load_key(SSL_CTX *ctx, const struct tls *tls, struct error *err)
{
	EVP_PKEY *key = read_key(tls->key_path, err);
	int rc = 0;

	if (key == NULL)
		return -1;
	if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
		rc = refuse_pair(ctx, key, tls, err);
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
		rc = error_set(err, ERROR_CONFIG, "the TLS key '%.100s' cannot be used: %s",
		    tls->key_path, tls_why());
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

/* What both sides have in common. */
static SSL_CTX *new_ctx(const SSL_METHOD *side, struct error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(side);

	if (ctx == NULL) {
		(void)error_set(err, ERROR_SYSTEM, "cannot set up TLS: %s", tls_why());
		return NULL;
	}
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

static SSL_CTX *make_ctx(const struct tls *tls, struct error *err)
{
	SSL_CTX *ctx = new_ctx(TLS_server_method(), err);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	if (load_certificate(ctx, tls->certificate_path, err) == 0 && load_key(ctx, tls, err) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

struct tls *tls_new(const char *certificate_path, const char *key_path, struct error *err)
{
	struct tls *tls = xcalloc(1, sizeof *tls);

	tls->certificate_path = xstrdup(certificate_path);
	tls->key_path = xstrdup(key_path);
	tls->ctx = make_ctx(tls, err);
	if (tls->ctx == NULL)
		tls_free(&tls);
	return tls;
}

static int load_trusted(SSL_CTX *ctx, const char *path, struct error *err)
{
	if (path == NULL) {
		(void)SSL_CTX_set_default_verify_paths(ctx);
		return 0;
	}
	if (check_readable("certificate", path, err) != 0)
		return -1;
	ERR_clear_error();
	if (SSL_CTX_load_verify_file(ctx, path) == 1)
		return 0;
	return error_set(
	    err, ERROR_CONFIG, "'%.100s' has no certificate in PEM: %s", path, tls_why());
}

struct tls *tls_new_client(const char *trusted_path, struct error *err)
{
	struct tls *tls = xcalloc(1, sizeof *tls);

	tls->ctx = new_ctx(TLS_client_method(), err);
	if (tls->ctx == NULL || load_trusted(tls->ctx, trusted_path, err) != 0) {
		tls_free(&tls);
		return NULL;
	}
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	/* A certificate that is trusted by name need not lead to a root. */
	(void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->ctx), X509_V_FLAG_PARTIAL_CHAIN);
	(void)SSL_CTX_set_alpn_protos(tls->ctx, alpn, sizeof alpn - 1);
	return tls;
}

int tls_reload(struct tls *tls, struct error *err)
{
	SSL_CTX *ctx = make_ctx(tls, err);

	if (ctx == NULL)
		return -1;
	SSL_CTX_free(tls->ctx);
	tls->ctx = ctx;
	return 0;
}

static int refuse_time(
    const struct tls *tls, const char *what, const ASN1_TIME *at, struct error *err)
{
	char text[32] = "a time that is none";
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm) == 1)
		(void)strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
	return error_set(err, ERROR_CONFIG, "the TLS certificate '%.100s' %s %s; clients refuse it",
	    tls->certificate_path, what, text);
}

static int check_chain(const struct tls *tls, X509 *first, struct error *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *below = first;

	(void)SSL_CTX_get0_chain_certs(tls->ctx, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);

		if (X509_check_issued(x, below) != X509_V_OK)
			return error_set(err, ERROR_CONFIG,
			    "certificate %d in '%.100s' is not the one that number %d stands on; "
			    "clients may refuse it",
			    i + 2, tls->certificate_path, i + 1);
		below = x;
	}
	return 0;
}

int tls_check(const struct tls *tls, struct error *err)
{
	X509 *x = SSL_CTX_get0_certificate(tls->ctx);

	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		return refuse_time(tls, "expired at", X509_get0_notAfter(x), err);
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		return refuse_time(tls, "is valid only from", X509_get0_notBefore(x), err);
	return check_chain(tls, x, err);
}

void tls_free(struct tls **tls)
{
	struct tls *t = *tls;

	*tls = NULL;
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t->certificate_path);
	free(t->key_path);
	free(t);
}
