#include "net/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "net/tls_internal.h"

struct tls_session {
	SSL *ssl; /* owned */
	const uint8_t *in;
	size_t in_n;
	struct buffer kept; /* came before `in` */
	struct buffer out;
	bool met_http;
};

/* OpenSSL's end of the wire. */
static int on_wire_read(BIO *bio, char *to, int n)
{
	struct tls_session *s = BIO_get_data(bio);
	bool kept = s->kept.len > 0;
	size_t take = MIN((size_t)MAX(n, 0), kept ? s->kept.len : s->in_n);

	BIO_clear_retry_flags(bio);
	if (take == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, kept ? buffer_head(&s->kept) : s->in, take);
	if (kept) {
		buffer_consume(&s->kept, take);
	} else {
		s->in += take;
		s->in_n -= take;
	}
	return (int)take;
}

static int on_wire_write(BIO *bio, const char *bytes, int n)
{
	struct tls_session *s = BIO_get_data(bio);

	return buffer_append(&s->out, bytes, (size_t)MAX(n, 0)) == 0 ? n : -1;
}

static long on_wire_control(BIO *bio, int command, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return command == BIO_CTRL_FLUSH;
}

/* Made once and kept for the process. */
static const BIO_METHOD *wire_method(void)
{
	static BIO_METHOD *method;

	if (method != NULL)
		return method;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
	if (method == NULL)
		abort();
	(void)BIO_meth_set_read(method, on_wire_read);
	(void)BIO_meth_set_write(method, on_wire_write);
	(void)BIO_meth_set_ctrl(method, on_wire_control);
	return method;
}

static struct tls_session *new_session(struct tls *tls)
{
	struct tls_session *s = xcalloc(1, sizeof *s);
	BIO *wire = BIO_new(wire_method());

	s->ssl = SSL_new(tls->ctx);
	if (s->ssl == NULL || wire == NULL) {
		BIO_free(wire);
		tls_session_free(&s);
		return NULL;
	}
	buffer_init(&s->kept, SIZE_MAX / 2);
	buffer_init(&s->out, SIZE_MAX / 2);
	BIO_set_data(wire, s);
	BIO_set_init(wire, 1);
	SSL_set_bio(s->ssl, wire, wire);
	return s;
}

struct tls_session *tls_session_new(struct tls *tls)
{
	struct tls_session *s = new_session(tls);

	if (s != NULL)
		SSL_set_accept_state(s->ssl);
	return s;
}

/* An address is no name that a server could be asked for by. */
static bool expect_host(SSL *ssl, const char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return true;
	return SSL_set1_host(ssl, host) == 1 &&
	    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		(void *)(uintptr_t)host) == 1;
}

struct tls_session *tls_session_new_client(struct tls *tls, const char *host)
{
	struct tls_session *s = new_session(tls);

	if (s == NULL)
		return NULL;
	SSL_set_connect_state(s->ssl);
	if (!expect_host(s->ssl, host) ||
	    SSL_get_error(s->ssl, SSL_do_handshake(s->ssl)) != SSL_ERROR_WANT_READ)
		tls_session_free(&s);
	ERR_clear_error();
	return s;
}

void tls_session_free(struct tls_session **session)
{
	struct tls_session *s = *session;

	*session = NULL;
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	buffer_done(&s->kept);
	buffer_done(&s->out);
	free(s);
}

void tls_session_lend(struct tls_session *s, const uint8_t *bytes, size_t n)
{
	s->in = bytes;
	s->in_n = n;
}

int tls_session_keep(struct tls_session *s)
{
	int rc = buffer_append(&s->kept, s->in, s->in_n);

	s->in_n = 0;
	return rc;
}

bool tls_session_has_input(const struct tls_session *s)
{
	return s->kept.len > 0 || s->in_n > 0 || SSL_has_pending(s->ssl) != 0;
}

static bool is_http(unsigned long code)
{
	return ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST ||
	    ERR_GET_REASON(code) == SSL_R_HTTPS_PROXY_REQUEST;
}

static void say_why(const SSL *ssl, struct error *err)
{
	long verified = SSL_get_verify_result(ssl);

	if (verified != X509_V_OK)
		(void)error_set(err, ERROR_PEER, "its certificate is not trusted: %s",
		    X509_verify_cert_error_string(verified));
	else if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER)
		(void)error_set(err, ERROR_PEER, "it speaks no TLS (%s)", tls_why());
	else
		(void)error_set(err, ERROR_PEER, "%s", tls_why());
	ERR_clear_error();
}

enum tls_take tls_session_take(
    struct tls_session *s, uint8_t *to, size_t room, size_t *n_out, struct error *err)
{
	ERR_clear_error();
	if (SSL_read_ex(s->ssl, to, room, n_out) == 1)
		return TLS_BYTES;
	*n_out = 0;
	switch (SSL_get_error(s->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	default:
		break;
	}
	s->met_http = is_http(ERR_peek_last_error());
	say_why(s->ssl, err);
	return TLS_BROKEN;
}

bool tls_session_is_open(const struct tls_session *s)
{
	return SSL_is_init_finished(s->ssl) != 0;
}

bool tls_session_met_http(const struct tls_session *s)
{
	return s->met_http;
}

int tls_session_put(struct tls_session *s, const void *bytes, size_t n)
{
	size_t written;

	if (n == 0)
		return 0;
	ERR_clear_error();
	return SSL_write_ex(s->ssl, bytes, n, &written) == 1 && written == n ? 0 : -1;
}

void tls_session_say_end(struct tls_session *s)
{
	ERR_clear_error();
	(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
}

struct buffer *tls_session_output(struct tls_session *s)
{
	return &s->out;
}
