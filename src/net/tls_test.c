#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/util.h"
#include "net/net_test_util.h"
#include "net/tls.h"

#define HOST "Host: a\r\n"

enum { PATH_BYTES = 128 };

/* Files of this test, made anew by each run. */
static char dir[] = "/tmp/tls_test_XXXXXX";
static char certificate[PATH_BYTES], key[PATH_BYTES];   /* one that works: CN=first */
static char certificate2[PATH_BYTES], key2[PATH_BYTES]; /* and another: CN=second */
static char rsa_key[PATH_BYTES], locked_key[PATH_BYTES], junk[PATH_BYTES];

static void path_of(char *to, const char *name)
{
	(void)snprintf(to, PATH_BYTES, "%s/%s", dir, name);
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	return f;
}

static void write_key(const char *path, EVP_PKEY *k, const char *passphrase)
{
	FILE *f = create(path);
	const EVP_CIPHER *cipher = passphrase == NULL ? NULL : EVP_aes_128_cbc();
	unsigned char pass[16];
	int n = (int)snprintf((char *)pass, sizeof pass, "%s", passphrase ? passphrase : "");

	assert_int_equal(PEM_write_PrivateKey(f, k, cipher, pass, n, NULL, NULL), 1);
	(void)fclose(f);
}

static void write_certificate(const char *path, EVP_PKEY *k, const char *name)
{
	X509 *x = X509_new();
	FILE *f = create(path);

	assert_non_null(x);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	(void)X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_issuer_name(x, X509_get_subject_name(x));
	(void)X509_set_pubkey(x, k);
	assert_true(X509_sign(x, k, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	(void)fclose(f);
	X509_free(x);
}

static void make_pair(const char *certificate_path, const char *key_path, const char *name)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	write_key(key_path, k, NULL);
	write_certificate(certificate_path, k, name);
	EVP_PKEY_free(k);
}

static int make_files(void **state)
{
	EVP_PKEY *k = EVP_RSA_gen(2048);
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path_of(certificate, "first.crt");
	path_of(key, "first.key");
	path_of(certificate2, "second.crt");
	path_of(key2, "second.key");
	path_of(rsa_key, "rsa.key");
	path_of(locked_key, "locked.key");
	path_of(junk, "junk.pem");
	make_pair(certificate, key, "first");
	make_pair(certificate2, key2, "second");
	write_key(rsa_key, k, NULL);
	write_key(locked_key, k, "secret");
	EVP_PKEY_free(k);
	f = create(junk);
	(void)fputs("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", f);
	(void)fclose(f);
	return 0;
}

static int remove_files(void **state)
{
	const char *files[] = { certificate, key, certificate2, key2, rsa_key, locked_key, junk };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlink(files[i]);
	return rmdir(dir);
}

/* A server with an HTTP listener (1) and a raw one (2) that speak TLS. */
struct server {
	struct net_test net;
	struct tls *tls;
};

static void start(struct server *s, const struct http_config *cfg)
{
	struct http_listener_config listener = { .address = "127.0.0.1:0" };
	struct error err = ERROR_INIT;

	s->tls = tls_new(certificate, key, &err);
	assert_non_null(s->tls);
	net_test_start(&s->net, cfg);
	listener.tls = s->tls;
	assert_int_equal(net_test_listen(&s->net, &listener), 1);
	listener.raw = true;
	assert_int_equal(net_test_listen(&s->net, &listener), 2);
}

static void stop(struct server *s)
{
	net_test_stop(&s->net);
	tls_free(&s->tls);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct server));
	start(*state, NULL);
	return 0;
}

static int teardown(void **state)
{
	stop(*state);
	free(*state);
	return 0;
}

/* A client: what the socket brings goes into `in`, what is to be sent comes out of `out`. */
struct client {
	struct net_peer peer;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;       /* the ssl's */
	struct buffer plain; /* what has come */
	size_t piece;        /* bytes sent at once; 0: all */
	bool ended;          /* the server said so, in TLS */
	bool broken;
};

static void client_begin(struct client *c, struct server *s, unsigned listener)
{
	memset(c, 0, sizeof *c);
	buffer_init(&c->plain, 64 * 1024 * 1024);
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = SSL_new(c->ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
	net_peer_open_at(&c->peer, &s->net, listener);
}

static void client_flush(struct client *c)
{
	char bytes[65536];
	int n;

	while (
	    (n = BIO_read(c->out, bytes, c->piece != 0 ? (int)c->piece : (int)sizeof bytes)) > 0) {
		net_peer_send(&c->peer, bytes, (size_t)n);
		if (c->piece != 0)
			(void)uv_run(&c->peer.test->loop, UV_RUN_NOWAIT);
	}
}

/* Takes what has come as far as it goes. */
static void client_step(struct client *c)
{
	struct buffer *got = &c->peer.got;
	char bytes[16384];
	int n;

	if (got->len > 0)
		(void)BIO_write(c->in, buffer_head(got), (int)got->len);
	buffer_consume(got, got->len);
	ERR_clear_error();
	while (!c->broken && (n = SSL_read(c->ssl, bytes, sizeof bytes)) > 0)
		assert_int_equal(buffer_append(&c->plain, bytes, (size_t)n), 0);
	n = SSL_get_error(c->ssl, 0);
	c->ended = c->ended || (SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
	c->broken = c->broken || n == SSL_ERROR_SSL;
	client_flush(c);
}

struct wish {
	struct client *c;
	size_t n;
	const char *text;
};

static bool client_has(void *arg)
{
	struct wish *w = arg;
	struct client *c = w->c;
	uint8_t *end;

	client_step(c);
	if (w->n > 0 && c->plain.len >= w->n)
		return true;
	end = buffer_reserve(&c->plain, 1);
	*end = '\0';
	return (w->text != NULL && strstr((const char *)buffer_head(&c->plain), w->text)) ||
	    (c->peer.ended && c->peer.got.len == 0);
}

static const char *client_text(struct client *c)
{
	uint8_t *end = buffer_reserve(&c->plain, 1);

	*end = '\0';
	return (const char *)buffer_head(&c->plain);
}

static void client_wait_text(struct client *c, const char *text)
{
	struct wish w = { .c = c, .text = text };

	net_test_wait(c->peer.test, client_has, &w);
	if (strstr(client_text(c), text) == NULL)
		fail_msg("no '%s' in '%.300s'", text, client_text(c));
}

static void client_wait_bytes(struct client *c, size_t n)
{
	struct wish w = { .c = c, .n = n };

	net_test_wait(c->peer.test, client_has, &w);
	assert_true(c->plain.len >= n);
}

static void client_wait_end(struct client *c)
{
	struct wish w = { .c = c };

	net_test_wait(c->peer.test, client_has, &w);
	assert_true(c->peer.ended);
	assert_false(c->peer.reset);
}

static bool client_is_open(void *arg)
{
	struct client *c = arg;

	client_step(c);
	return SSL_is_init_finished(c->ssl) || c->peer.ended;
}

static void client_open(struct client *c, struct server *s, unsigned listener)
{
	client_begin(c, s, listener);
	net_test_wait(&s->net, client_is_open, c);
	assert_true(SSL_is_init_finished(c->ssl));
}

static void client_send(struct client *c, const void *bytes, size_t n)
{
	assert_int_equal(SSL_write(c->ssl, bytes, (int)n), (int)n);
	client_flush(c);
}

static void client_say(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

static void client_close(struct client *c)
{
	net_peer_close(&c->peer);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	buffer_done(&c->plain);
}

static void expect_name(struct client *c, const char *name)
{
	X509 *x = SSL_get1_peer_certificate(c->ssl);
	char got[64];

	assert_non_null(x);
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, got, sizeof got);
	assert_string_equal(got, name);
	X509_free(x);
}

static void test_requests_are_answered_and_the_end_is_said(void **state)
{
	struct server *s = *state;
	struct client c;

	client_open(&c, s, 1);
	assert_true(SSL_version(c.ssl) >= TLS1_2_VERSION);
	expect_name(&c, "first");
	client_say(&c, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	client_wait_text(&c, "GET /1");
	client_say(&c, "GET /2 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	client_wait_end(&c);
	assert_non_null(strstr(client_text(&c), "GET /2"));
	assert_true(c.ended);
	client_close(&c);
}

static void test_byte_by_byte_is_the_same(void **state)
{
	struct client c;

	client_begin(&c, *state, 1);
	c.piece = 1;
	net_test_wait(c.peer.test, client_is_open, &c);
	client_say(&c, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	client_wait_text(&c, "POST /a  abc");
	client_close(&c);
}

static void test_all_versions_from_1_2(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct client c;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		client_begin(&c, *state, 1);
		(void)SSL_set_max_proto_version(c.ssl, versions[i]);
		net_test_wait(c.peer.test, client_is_open, &c);
		assert_int_equal(SSL_version(c.ssl), versions[i]);
		client_say(&c, "GET /1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
		client_wait_end(&c);
		assert_true(c.ended);
		client_close(&c);
	}
}

static void test_1_1_is_refused_with_an_alert(void **state)
{
	struct client c;

	client_begin(&c, *state, 1);
	(void)SSL_set_cipher_list(c.ssl, "DEFAULT:@SECLEVEL=0");
	(void)SSL_set_min_proto_version(c.ssl, TLS1_1_VERSION);
	(void)SSL_set_max_proto_version(c.ssl, TLS1_1_VERSION);
	client_wait_end(&c);
	assert_true(c.broken); /* the alert has come */
	assert_false(SSL_is_init_finished(c.ssl));
	client_close(&c);
}

static void test_alpn_is_http_1_1_or_nothing(void **state)
{
	const unsigned char *chosen;
	unsigned n;
	struct client c;

	client_begin(&c, *state, 1);
	(void)SSL_set_alpn_protos(c.ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	net_test_wait(c.peer.test, client_is_open, &c);
	SSL_get0_alpn_selected(c.ssl, &chosen, &n);
	assert_int_equal(n, 8);
	assert_memory_equal(chosen, "http/1.1", 8);
	client_close(&c);
	client_begin(&c, *state, 1);
	(void)SSL_set_alpn_protos(c.ssl, (const unsigned char *)"\x02h2", 3);
	client_wait_end(&c);
	assert_true(c.broken);
	client_close(&c);
}

static void test_a_slow_reader_gets_all_of_a_big_answer(void **state)
{
	struct client c;

	client_open(&c, *state, 1);
	client_say(&c, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	net_peer_stop_reading(&c.peer);
	for (int i = 0; i < 20; i++)
		(void)uv_run(&c.peer.test->loop, UV_RUN_NOWAIT);
	net_peer_read(&c.peer);
	client_wait_bytes(&c, 8 * 1000 * 1000);
	client_wait_end(&c);
	assert_true(c.ended);
	client_close(&c);
}

static void test_an_answer_in_pieces(void **state)
{
	struct server *s = *state;
	struct client c;

	client_open(&c, s, 1);
	client_say(&c, "GET /stream HTTP/1.1\r\n" HOST "\r\nGET /next HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(&s->net, &s->net.requests, 1);
	assert_int_equal(http_stream_send(s->net.stream, "piece", 5), 0);
	client_wait_text(&c, "5\r\npiece\r\n");
	http_stream_end(s->net.stream);
	client_wait_text(&c, "GET /next");
	client_close(&c);
}

#define HANDSHAKE                                                                                  \
	"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"             \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* The first frame comes in the record of the handshake, and is kept while the WebSocket pauses. */
static void test_websocket_with_a_frame_behind_the_handshake(void **state)
{
	enum { MANY = 150 * 1000 };
	struct server *s = *state;
	uint8_t *frame = calloc(1, MANY + 14);
	struct client c;

	client_open(&c, s, 1);
	s->net.pause_at_once = true;
	client_send(&c, HANDSHAKE "\x81\x82\0\0\0\0hi", sizeof HANDSHAKE - 1 + 8);
	memcpy(frame, "\x82\xff\0\0\0\0\0\x02\x49\xf0", 10); /* 150000 bytes, masked with 0 */
	client_send(&c, frame, MANY + 14);
	client_wait_text(&c, "\r\n\r\n");
	assert_int_equal(s->net.messages, 0);
	buffer_consume(&c.plain, c.plain.len);
	ws_resume(s->net.ws);
	client_wait_bytes(&c, 4 + 10 + MANY);
	assert_memory_equal(buffer_head(&c.plain), "\x81\x02hi\x82\x7f\0\0\0\0\0\x02\x49\xf0", 14);
	client_send(&c, "\x88\x82\0\0\0\0\x03\xe8", 8);
	client_wait_end(&c);
	assert_true(c.ended);
	assert_int_equal(s->net.close_code, 1000);
	client_close(&c);
	free(frame);
}

/* The owner stops reading in the middle of what OpenSSL has, again and again, while another connection is read. */
static void test_raw_bytes_survive_pauses_anywhere(void **state)
{
	enum { MANY = 600 * 1000 };
	struct server *s = *state;
	uint8_t *bytes = malloc(MANY);
	const uint64_t until = uv_hrtime() + 20 * 1000000000ull;
	struct net_peer other;
	struct client c;
	size_t before;

	for (size_t i = 0; i < MANY; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 1000);
	s->net.mute = true;
	net_peer_open(&other, &s->net);
	net_peer_say(&other, "POST / HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
	client_open(&c, s, 2);
	net_test_wait_count(&s->net, &s->net.tcp_opened, 1);
	s->net.pause_on_bytes = true;
	client_send(&c, bytes, MANY);
	for (unsigned i = 0; s->net.tcp_got.len < MANY; i++) {
		assert_true(uv_hrtime() < until); /* which may come to many turns without a byte */
		before = s->net.tcp_got.len;
		if (i == 2)
			net_peer_send(&other, bytes, 65536);
		tcp_resume(s->net.tcp);
		assert_int_equal(s->net.tcp_got.len, before); /* never from inside */
		(void)uv_run(&s->net.loop, UV_RUN_NOWAIT);
		assert_true(s->net.tcp_got.len <= before + 16384);
		client_step(&c);
	}
	assert_memory_equal(buffer_head(&s->net.tcp_got), bytes, MANY);
	tcp_resume(s->net.tcp);
	net_peer_close(&other);
	client_close(&c);
	net_test_wait_count(&s->net, &s->net.tcp_ends, 1);
	free(bytes);
}

static void test_raw_peer_that_says_its_end_still_gets_bytes(void **state)
{
	struct server *s = *state;
	struct client c;

	client_open(&c, s, 2);
	client_say(&c, "last");
	(void)SSL_shutdown(c.ssl);
	client_flush(&c);
	client_wait_end(&c);
	assert_string_equal(client_text(&c), "lastbye");
	assert_true(c.ended);
	net_test_wait_count(&s->net, &s->net.tcp_closed, 1);
	client_close(&c);
}

/* Who speaks first must wait for the handshake. */
static void test_what_is_sent_before_the_handshake_waits_for_it(void **state)
{
	struct server *s = *state;
	struct client c;

	client_begin(&c, s, 2);
	net_test_wait_count(&s->net, &s->net.tcp_opened, 1);
	assert_int_equal(tcp_send(s->net.tcp, "welcome", 7), 0);
	assert_int_equal(tcp_unsent_bytes(s->net.tcp), 7);
	tcp_close(s->net.tcp);
	client_wait_end(&c);
	assert_string_equal(client_text(&c), "welcome");
	assert_true(c.ended);
	client_close(&c);
}

static void test_http_in_the_clear_is_told_so(void **state)
{
	struct server *s = *state;
	struct net_peer p;

	net_peer_open_at(&p, &s->net, 1);
	net_peer_say(&p, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_memory_equal(net_peer_text(&p), "HTTP/1.1 400 Bad Request\r\n", 26);
	assert_non_null(strstr(net_peer_text(&p), "\r\n\r\nthis address speaks TLS"));
	assert_int_equal(s->net.requests, 0);
	net_peer_close(&p);
}

static void test_garbage_ends_only_its_sender(void **state)
{
	static const char garbage[300000] = "\x16\x03\x01\x00\x05hello";
	struct server *s = *state;
	struct net_peer p;
	struct client c;

	client_open(&c, s, 1);
	for (unsigned listener = 1; listener <= 2; listener++) {
		net_peer_open_at(&p, &s->net, listener);
		net_peer_send(&p, garbage, sizeof garbage);
		net_peer_wait_end(&p);
		assert_false(p.reset);
		assert_int_equal(net_peer_text(&p)[0], 21); /* an alert */
		net_peer_close(&p);
	}
	net_test_wait_count(&s->net, &s->net.tcp_closed, 1);
	assert_string_equal(s->net.why, "the connection was lost: protocol error");
	client_say(&c, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	client_wait_text(&c, "GET /1");
	net_peer_send(&c.peer, garbage + 100, 1000); /* in the middle of a connection */
	client_wait_end(&c);
	assert_true(c.broken);
	client_close(&c);
}

static void test_the_handshake_has_a_deadline(void **state)
{
	struct http_config cfg = net_test_config;
	struct server *s = *state;
	struct net_peer p;

	cfg.header_timeout_ms = 30;
	stop(s);
	start(s, &cfg);
	for (unsigned listener = 1; listener <= 2; listener++) {
		net_peer_open_at(&p, &s->net, listener);
		net_peer_send(&p, "\x16\x03\x01", 3);
		net_peer_wait_end(&p);
		assert_int_equal(p.got.len, 0);
		net_peer_close(&p);
	}
	assert_string_equal(
	    s->net.why, "the TLS handshake was not done within header_timeout_ms 30");
}

static void test_after_the_handshake_a_raw_connection_has_no_deadline(void **state)
{
	struct http_config cfg = net_test_config;
	struct server *s = *state;
	uint64_t until;
	struct client c;

	cfg.header_timeout_ms = 1000; /* enough for a handshake on a busy machine */
	stop(s);
	start(s, &cfg);
	client_open(&c, s, 2);
	for (until = uv_now(&s->net.loop) + 1100; uv_now(&s->net.loop) < until;)
		(void)uv_run(&s->net.loop, UV_RUN_NOWAIT);
	client_say(&c, "here");
	client_wait_text(&c, "here");
	client_close(&c);
}

static void test_one_connection_too_many_gets_503(void **state)
{
	struct http_config cfg = net_test_config;
	struct server *s = *state;
	struct client a, b;

	cfg.max_connections = 1;
	stop(s);
	start(s, &cfg);
	client_open(&a, s, 1);
	client_say(&a, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(&s->net, &s->net.requests, 1);
	client_open(&b, s, 1);
	client_say(&b, "GET / HTTP/1.1\r\n" HOST "\r\n");
	client_wait_end(&b);
	assert_non_null(strstr(client_text(&b), "HTTP/1.1 503 "));
	assert_true(b.ended);
	client_close(&b);
	client_close(&a);
}

static void test_half_a_handshake_keeps_nobody_out(void **state)
{
	struct http_config cfg = net_test_config;
	struct server *s = *state;
	struct net_peer half;
	struct client b;

	cfg.max_connections = 1;
	stop(s);
	start(s, &cfg);
	net_peer_open_at(&half, &s->net, 1);
	net_peer_send(&half, "\x16\x03\x01\x02", 4);
	client_open(&b, s, 1);
	client_say(&b, "GET /in HTTP/1.1\r\n" HOST "\r\n");
	client_wait_text(&b, "GET /in");
	net_peer_wait_end(&half);
	net_peer_close(&half);
	client_close(&b);
}

static void test_a_new_certificate_is_for_new_connections(void **state)
{
	struct server *s = *state;
	struct client old, new;
	struct error err = ERROR_INIT;

	client_open(&old, s, 1);
	assert_int_equal(rename(certificate2, certificate), 0);
	assert_int_equal(tls_reload(s->tls, &err), -1);
	assert_non_null(strstr(err.text, "first.key' does not belong to the certificate '"));
	client_open(&new, s, 1);
	expect_name(&new, "first");
	client_close(&new);
	assert_int_equal(rename(key2, key), 0);
	assert_int_equal(tls_reload(s->tls, &err), 0);
	client_open(&new, s, 1);
	expect_name(&new, "second");
	client_say(&old, "GET /old HTTP/1.1\r\n" HOST "\r\n");
	client_wait_text(&old, "GET /old");
	client_close(&new);
	client_close(&old);
	make_pair(certificate, key, "first");
	make_pair(certificate2, key2, "second");
}

static void test_freeing_the_server_ends_connections_at_any_time(void **state)
{
	struct server *s = *state;
	struct client open, begun, raw;
	struct net_peer failed;

	client_open(&open, s, 1);
	client_open(&raw, s, 2);
	client_begin(&begun, s, 1);
	net_peer_open_at(&failed, &s->net, 1);
	net_peer_say(&failed, "GET / HTTP/1.1\r\n\r\n");
	net_peer_wait_text(&failed, "TLS"); /* and is drained now */
	net_test_free_server(&s->net);
	net_peer_wait_end(&open.peer);
	net_peer_wait_end(&raw.peer);
	assert_int_equal(s->net.tcp_closed, 1);
	client_close(&open);
	client_close(&begun);
	client_close(&raw);
	net_peer_close(&failed);
}

/* What is wrong with two files. */
struct bad {
	const char *name;
	const char *certificate, *key;
	const char *why;
};

static struct bad bads[] = {
	{ "no certificate", "/nowhere/a.crt", key,
	    "cannot read the TLS certificate '/nowhere/a.crt': No such file or directory" },
	{ "no key", certificate, "/nowhere/a.key",
	    "cannot read the TLS key '/nowhere/a.key': No such file or directory" },
	{ "a certificate that is none", junk, key,
	    "/junk.pem' cannot be used; it must be PEM (-----BEGIN CERTIFICATE-----): " },
	{ "a key for a certificate", key, key,
	    "/first.key' cannot be used; it must be PEM (-----BEGIN CERTIFICATE-----): " },
	{ "a certificate for a key", certificate, certificate,
	    "/first.crt' cannot be used; it must be PEM (-----BEGIN PRIVATE KEY-----): " },
	{ "the key of another certificate", certificate, key2,
	    "/second.key' does not belong to the certificate '" },
	{ "a key of another kind", certificate, rsa_key,
	    "/rsa.key' does not belong to the certificate '" },
	{ "a key with a passphrase", certificate, locked_key,
	    "/locked.key' has a passphrase; it must be without one" },
};

static void test_bad_files_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *b = &bads[i];
		struct error err = ERROR_INIT;

		assert_null(tls_new(b->certificate, b->key, &err));
		assert_int_equal(err.code, ERROR_CONFIG);
		if (strstr(err.text, b->why) == NULL)
			fail_msg("%s: no '%s' in '%s'", b->name, b->why, err.text);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_requests_are_answered_and_the_end_is_said),
		TEST(test_byte_by_byte_is_the_same),
		TEST(test_all_versions_from_1_2),
		TEST(test_1_1_is_refused_with_an_alert),
		TEST(test_alpn_is_http_1_1_or_nothing),
		TEST(test_a_slow_reader_gets_all_of_a_big_answer),
		TEST(test_an_answer_in_pieces),
		TEST(test_websocket_with_a_frame_behind_the_handshake),
		TEST(test_raw_bytes_survive_pauses_anywhere),
		TEST(test_raw_peer_that_says_its_end_still_gets_bytes),
		TEST(test_what_is_sent_before_the_handshake_waits_for_it),
		TEST(test_http_in_the_clear_is_told_so),
		TEST(test_garbage_ends_only_its_sender),
		TEST(test_the_handshake_has_a_deadline),
		TEST(test_after_the_handshake_a_raw_connection_has_no_deadline),
		TEST(test_one_connection_too_many_gets_503),
		TEST(test_half_a_handshake_keeps_nobody_out),
		TEST(test_a_new_certificate_is_for_new_connections),
		TEST(test_freeing_the_server_ends_connections_at_any_time),
		cmocka_unit_test(test_bad_files_are_told_apart),
	};
#undef TEST

	return cmocka_run_group_tests_name("tls", tests, make_files, remove_files);
}
