#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "net/tls_internal.h"

static const unsigned char alpn[] = "\x08http/1.1"; /* its length comes first */

const char *tls_why(void)
{
	unsigned long code = ERR_peek_last_error();
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
	    "'%.100s' does not begin with a certificate in PEM that can be used: %s", path,
	    tls_why());
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
		(void)error_set(
		    err, ERROR_CONFIG, "'%.100s' has no private key in PEM: %s", path, tls_why());
	return key;
}

static int load_key(SSL_CTX *ctx, const struct tls *tls, struct error *err)
{
	EVP_PKEY *key = read_key(tls->key_path, err);
	int rc = 0;

	if (key == NULL)
		return -1;
	if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
		rc = error_set(err, ERROR_CONFIG,
		    "the TLS key '%.100s' does not belong to the certificate '%.100s'",
		    tls->key_path, tls->certificate_path);
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
