#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/net_test_util.h"

#define HOST "Host: a\r\n"

static unsigned count_of(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* Says something on a connection of its own, expects the answer and, if `ends`, the connection's end. */
static void expect_answer(struct net_test *t, const char *request, const char *answer, bool ends)
{
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p, request);
	net_peer_wait_text(&p, answer);
	if (ends) {
		net_peer_wait_end(&p);
		assert_false(p.reset);
	}
	net_peer_close(&p);
}

/* Two on one connection: the body of the second is another one. */
static void test_a_body_can_be_taken_over(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;
	struct buffer first, second;

	net_peer_open(&p, t);
	net_peer_say(&p, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	net_test_wait_count(t, &t->requests, 1);
	http_take_body(t->pending, &first);
	http_respond(t->pending, &(struct http_answer){ .status = 200 });
	net_peer_say(&p, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nother");
	net_test_wait_count(t, &t->requests, 2);
	http_take_body(t->pending, &second);
	assert_int_equal(first.len, 3);
	assert_memory_equal(buffer_head(&first), "abc", 3);
	assert_int_equal(second.len, 5);
	assert_memory_equal(buffer_head(&second), "other", 5);
	http_respond(t->pending, &(struct http_answer){ .status = 200 });
	buffer_done(&first);
	buffer_done(&second);
	net_peer_close(&p);
}

static void test_answers(void **state)
{
	expect_answer(*state, "GET /a%20b?c=%20d HTTP/1.1\r\n" HOST "\r\n",
	    "\r\n\r\nGET /a b c=%20d ", false);
	expect_answer(
	    *state, "GET http://x:1/y?z HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\nGET /y z ", false);
	expect_answer(*state, "GET http://x?z HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\nGET / z ", false);
	expect_answer(*state, "GET //v1///a/?b//=c/ HTTP/1.1\r\n" HOST "\r\n",
	    "\r\n\r\nGET /v1/a b//=c/ ", false);
	expect_answer(*state, "GET /// HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\nGET /  ", false);
	expect_answer(*state, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	    "POST /  abc", false);
	expect_answer(*state, "GET / HTTP/1.0\r\n\r\n", "Connection: close", true);
	expect_answer(*state, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	    "Connection: keep-alive", false);
	expect_answer(*state, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
	    "Connection: close", true);
}

static void test_refuses_and_ends(void **state)
{
	uint64_t errors = metric_get(METRIC_http_errors_total);

	expect_answer(*state, "GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 Bad Request", true);
	expect_answer(*state, "GET / HTTP/1.1\r\n\r\n", "the request has no Host header", true);
	expect_answer(*state, "GET /%00 HTTP/1.1\r\n" HOST "\r\n",
	    "'%00' in the path is not a character", true);
	expect_answer(*state, "GET /%4 HTTP/1.1\r\n" HOST "\r\n",
	    "'%4' in the path is not a character", true);
	expect_answer(*state, "GET / HTTP/3.0\r\n" HOST "\r\n", "HTTP/1.1 505 ", true);
	assert_int_equal(metric_get(METRIC_http_errors_total) - errors, 5);
	assert_int_equal(((struct net_test *)*state)->requests, 0);
}

static void test_head_has_the_length_but_no_body(void **state)
{
	struct net_peer p;

	net_peer_open(&p, *state);
	net_peer_say(&p, "HEAD / HTTP/1.1\r\n" HOST "\r\nGET /second HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /second");
	assert_non_null(strstr(net_peer_text(&p), "Content-Length: 8\r\n\r\nHTTP/1.1 200"));
	net_peer_close(&p);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
	struct net_test *t = *state;
	struct http_answer late = { .status = 202, .body = "late", .body_bytes = 4 };
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p,
	    "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /later HTTP/1.1\r\n" HOST
	    "\r\nPOST /3 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab");
	net_peer_wait_text(&p, "GET /1");
	net_test_wait_count(t, &t->requests, 2);
	net_peer_say(&p, "cdGET /4 HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(t->pending);
	http_respond(t->pending, &late);
	assert_int_equal(t->requests, 2); /* never from inside */
	net_peer_wait_text(&p, "GET /4");
	assert_int_equal(count_of(net_peer_text(&p), "HTTP/1.1 20"), 4);
	assert_true(strstr(net_peer_text(&p), "late") < strstr(net_peer_text(&p), "POST /3  abcd"));
	net_peer_close(&p);
}

static void test_added_headers_are_of_one_answer(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p, "GET /more HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /more");
	assert_non_null(strstr(net_peer_text(&p), "\r\nX-One: 1\r\nX-Two: 2\r\n\r\nGET /more"));
	net_peer_say(&p, "GET /less HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /less");
	assert_int_equal(count_of(net_peer_text(&p), "X-One"), 1);
	net_peer_close(&p);
}

static void test_many_pipelined_requests(void **state)
{
	static const char one[] = "GET /n HTTP/1.1\r\n" HOST "\r\n";
	enum { MANY = 5000 };
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	for (int i = 0; i < MANY; i++)
		net_peer_say(&p, one);
	net_test_wait_count(t, &t->requests, MANY);
	net_peer_shut(&p);
	net_peer_wait_end(&p);
	assert_int_equal(count_of(net_peer_text(&p), "HTTP/1.1 200"), MANY);
	net_peer_close(&p);
}

/* Who sends requests ahead of a late answer is slowed by TCP, and loses none. */
static void test_requests_far_ahead_of_a_late_answer(void **state)
{
	static const char one[] = "GET /n HTTP/1.1\r\n" HOST "\r\n";
	struct net_test *t = *state;
	struct http_answer late = { .status = 202 };
	struct net_peer p;
	ssize_t n = 0;
	unsigned sent = 0;

	net_peer_open(&p, t);
	net_peer_say(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	do {
		n = net_peer_try_send(&p, one, sizeof one - 1);
		sent += n > 0;
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	} while (n == sizeof one - 1);
	assert_non_null(t->pending);
	http_respond(t->pending, &late);
	if (n > 0)
		net_peer_say(&p, one + n);
	net_test_wait_count(t, &t->requests, 1 + sent);
	net_peer_close(&p);
}

static void test_byte_by_byte_is_the_same(void **state)
{
	static const char text[] =
	    "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n4;e\r\ndefg\r\n0\r\n\r\nGET /b HTTP/1.1\r\n" HOST "\r\n";
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	for (size_t i = 0; i < sizeof text - 1; i++) {
		net_peer_send(&p, text + i, 1);
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	}
	net_peer_wait_text(&p, "GET /b");
	assert_non_null(strstr(net_peer_text(&p), "POST /a  abcdefg"));
	net_peer_close(&p);
}

static void test_expect_100_continue(void **state)
{
	static const char head[] =
	    "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
	struct net_peer p;

	net_peer_open(&p, *state);
	net_peer_say(&p, head);
	net_peer_wait_text(&p, "HTTP/1.1 100 Continue\r\n\r\n");
	net_peer_say(&p, "abc");
	net_peer_wait_text(&p, "POST /  abc");
	net_peer_close(&p);
}

static void test_a_refusal_comes_before_the_100(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p,
	    "POST /refuse HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n");
	net_peer_wait_end(&p);
	assert_non_null(strstr(net_peer_text(&p), "HTTP/1.1 401 Unauthorized"));
	assert_null(strstr(net_peer_text(&p), "100 Continue"));
	net_peer_close(&p);
	expect_answer(t,
	    "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n",
	    "HTTP/1.1 413 ", true);
	assert_int_equal(t->requests, 0);
	/* without a body there is nothing in the way of a next request */
	expect_answer(t, "GET /refuse HTTP/1.1\r\n" HOST "\r\nGET /next HTTP/1.1\r\n" HOST "\r\n",
	    "GET /next", false);
}

static void test_a_413_arrives_though_the_body_is_being_sent(void **state)
{
	enum { BODY = 3000000 };
	char *body = calloc(1, BODY);
	struct net_peer p;

	net_peer_open(&p, *state);
	net_peer_say(&p, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
	net_peer_send(&p, body, BODY);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_non_null(
	    strstr(net_peer_text(&p), "body of 3000000 bytes is over max_body_bytes 100000"));
	net_peer_close(&p);
	free(body);
}

static void test_header_and_body_have_deadlines(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_peer p;

	cfg.header_timeout_ms = 20;
	net_test_restart(*state, &cfg);
	expect_answer(*state, "GET / HTTP/1.1\r\nHos",
	    "the request's header did not arrive within header_timeout_ms", true);
	net_peer_open(&p, *state);
	net_peer_wait_end(&p);
	assert_int_equal(p.got.len, 0); /* who says nothing is told nothing */
	net_peer_close(&p);
	cfg.header_timeout_ms = 60000;
	cfg.body_timeout_ms = 20;
	net_test_restart(*state, &cfg);
	expect_answer(*state, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab",
	    "HTTP/1.1 408 Request Timeout", true);
}

/* Without the deadline this would send for ever. */
static void test_a_drip_does_not_put_the_deadline_off(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p;

	cfg.header_timeout_ms = 30;
	cfg.progress_bytes = cfg.max_header_bytes = 1u << 30;
	net_test_restart(t, &cfg);
	net_peer_open(&p, t);
	net_peer_say(&p, "GET / HTTP/1.1\r\nX: ");
	while (!p.ended) {
		net_peer_say(&p, "x");
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	}
	assert_non_null(strstr(net_peer_text(&p), "HTTP/1.1 408"));
	net_peer_close(&p);
}

static void test_an_idle_connection_is_closed(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_peer p;

	cfg.idle_timeout_ms = 20;
	net_test_restart(*state, &cfg);
	net_peer_open(&p, *state);
	net_peer_say(&p, "GET / HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_end(&p);
	assert_int_equal(count_of(net_peer_text(&p), "HTTP/1.1"), 1);
	net_peer_close(&p);
}

static void test_who_takes_nothing_of_the_answer_is_dropped(void **state)
{
	uint64_t slow = metric_get(METRIC_connections_slow_total);
	struct http_config cfg = net_test_config;
	struct net_peer p;

	cfg.send_timeout_ms = 40;
	net_test_restart(*state, &cfg);
	net_peer_open(&p, *state);
	net_peer_stop_reading(&p);
	net_peer_say(&p, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(p.test, &p.test->requests, 1);
	net_test_wait_idle(p.test);
	assert_int_equal(metric_get(METRIC_connections_slow_total) - slow, 1);
	net_peer_close(&p);
}

static bool has_read_more(void *arg)
{
	struct net_peer *p = arg;

	return p->ended || p->got.len > 0;
}

/* There is always something it has not taken yet, but it takes some: for longer than one that takes nothing is let be. */
static void test_who_reads_slowly_but_reads_is_not_dropped(void **state)
{
	static const uint8_t bytes[600000];
	uint64_t slow = metric_get(METRIC_connections_slow_total);
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p, deaf;

	cfg.send_timeout_ms = 400;
	cfg.send_buffer_bytes = 100 * 1000 * 1000;
	net_test_restart(t, &cfg);
	net_peer_open(&p, t);
	net_peer_say(&p, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(http_stream_send(t->stream, bytes, sizeof bytes), 0);
	net_peer_open(&deaf, t);
	net_peer_stop_reading(&deaf);
	net_peer_say(&deaf, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	while (metric_get(METRIC_connections_slow_total) == slow) {
		net_test_wait(t, has_read_more, &p);
		assert_false(p.ended);
		assert_int_equal(http_stream_send(t->stream, bytes, p.got.len), 0);
		net_peer_forget(&p);
	}
	assert_int_equal(t->stream_closed, 0);
	assert_int_equal(metric_get(METRIC_connections_slow_total), slow + 1);
	net_peer_close(&deaf);
	net_peer_close(&p);
}

static void test_a_slow_reader_gets_all_of_a_big_answer(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_stop_reading(&p);
	net_peer_say(&p, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /next HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	for (int i = 0; i < 20; i++)
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	assert_int_equal(t->requests, 1); /* the next waits for the answer to be taken */
	net_peer_read(&p);
	net_peer_wait_bytes(&p, 8000000);
	net_test_wait_count(t, &t->requests, 2);
	net_peer_shut(&p);
	net_peer_wait_end(&p);
	assert_non_null(strstr(net_peer_text(&p), "bHTTP/1.1 200"));
	net_peer_close(&p);
}

/* Its end of file comes while the socket still refuses the rest of the answer. */
static void expect_all_of_big(struct net_test *t, const char *request)
{
	struct net_peer p;

	t->requests = 0;
	net_peer_open(&p, t);
	net_peer_stop_reading(&p);
	net_peer_say(&p, request);
	net_peer_shut(&p);
	net_test_wait_count(t, &t->requests, 1);
	for (int i = 0; i < 20; i++)
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	net_peer_read(&p);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_true(p.got.len > 8000000);
	net_peer_close(&p);
}

static void test_who_shuts_its_side_still_gets_the_answer(void **state)
{
	expect_all_of_big(*state, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	expect_all_of_big(*state, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

/* Not cut when the time to linger is over, which counts from its end. */
static void test_the_last_answer_has_its_time(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p;

	cfg.linger_timeout_ms = 1;
	net_test_restart(t, &cfg);
	net_peer_open(&p, t);
	net_peer_say(&p, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	net_peer_wait_bytes(&p, 8000000);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	net_peer_close(&p);
}

static void test_who_leaves_before_the_answer_is_noticed(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	net_peer_close(&p);
	net_test_wait_count(t, &t->aborts, 1);
	net_peer_open(&p, t);
	net_peer_say(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 2);
	net_peer_break(&p);
	net_test_wait_count(t, &t->aborts, 2);
	assert_null(t->pending);
}

/* The newcomer is accepted with a spare descriptor and closed, so that the loop does not spin on it. */
static void test_out_of_descriptors(void **state)
{
	struct net_test *t = *state;
	struct rlimit old, tight;
	struct net_peer a, b;

	net_peer_open(&a, t);
	net_peer_say(&a, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&a, "GET /1");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	net_peer_open(&b, t);
	tight.rlim_cur = (rlim_t)b.fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	net_peer_wait_end(&b);
	assert_int_equal(b.got.len, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	net_peer_close(&b);
	net_peer_say(&a, "GET /2 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&a, "GET /2");
	net_peer_close(&a);
	expect_answer(t, "GET /3 HTTP/1.1\r\n" HOST "\r\n", "GET /3", false);
}

static void test_no_descriptor_is_lost(void **state)
{
	struct net_test *t = *state;
	unsigned before = net_test_descriptors();
	struct net_peer p;

	for (int i = 0; i < 70; i++) {
		net_peer_open(&p, t);
		if (i % 7 > 0)
			net_peer_say(&p, i % 7 == 1 ? "garbage\r\n" : "GET /x HTTP/1.1\r\n");
		if (i % 7 > 2)
			net_peer_say(&p, HOST "\r\n");
		if (i % 7 == 4)
			net_peer_wait_text(&p, "GET /x");
		if (i % 7 == 5)
			net_peer_shut(&p);
		if (i % 2 == 0)
			net_peer_break(&p);
		else
			net_peer_close(&p);
	}
	expect_answer(t, "GET /end HTTP/1.1\r\n" HOST "\r\n", "GET /end",
	    false); /* the others are accepted now */
	net_test_wait_idle(t);
	assert_int_equal(net_test_descriptors(), before);
}

static void test_freeing_ends_every_connection(void **state)
{
	struct net_test *t = *state;
	struct net_peer pending, idle, half;

	net_peer_open(&idle, t);
	net_peer_open(&half, t);
	net_peer_say(&half, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
	net_peer_open(&pending, t);
	net_peer_say(&pending, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	net_test_free_server(t);
	assert_int_equal(t->aborts, 1);
	net_peer_wait_end(&pending);
	net_peer_wait_end(&idle);
	net_peer_wait_end(&half);
	assert_true(t->freed);
	net_peer_close(&pending);
	net_peer_close(&idle);
	net_peer_close(&half);
}

static void test_stopped_server_ends_connections_after_their_answer(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "Connection: keep-alive");
	http_server_stop_listening(t->server);
	net_peer_say(&p, "GET /2 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_end(&p);
	assert_non_null(strstr(net_peer_text(&p), "Connection: close"));
	assert_non_null(strstr(net_peer_text(&p), "GET /2"));
	net_peer_close(&p);
}

static void test_listen_errors_name_the_address(void **state)
{
	struct net_test *t = *state;
	struct http_listener_config cfg = { .address = http_server_address(t->server, 0) };
	struct error err = ERROR_INIT;
	char want[128];

	(void)snprintf(want, sizeof want, "cannot listen on %s: address already in use",
	    http_server_address(t->server, 0));
	assert_int_equal(http_server_listen(t->server, &cfg, &err), -1);
	assert_string_equal(err.text, want);
	cfg.address = "8080";
	assert_int_equal(http_server_listen(t->server, &cfg, &err), -1);
	assert_string_equal(err.text,
	    "cannot listen on 8080: address '8080' has no port; write HOST:PORT, [IPV6]:PORT or "
	    ":PORT");
	cfg.address = "127.0.0.1:80a";
	assert_int_equal(http_server_listen(t->server, &cfg, &err), -1);
	assert_non_null(strstr(err.text, "port '80a'"));
	assert_null(http_server_address(t->server, 1));
	cfg.address = ":0";
	assert_int_equal(http_server_listen(t->server, &cfg, &err), 0);
	assert_non_null(http_server_address(t->server, 1));
	assert_null(http_server_address(t->server, 2));
}

static void test_a_request_knows_by_which_listener_it_came(void **state)
{
	struct net_test *t = *state;
	int mark;
	const struct http_listener_config cfg = { .address = "127.0.0.1:0", .data = &mark };
	unsigned marked = net_test_listen(t, &cfg);
	struct net_peer p;

	for (unsigned i = 0; i < 2; i++) {
		net_peer_open_at(&p, t, i == 0 ? 0 : marked);
		net_peer_say(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
		net_test_wait_count(t, &t->requests, i + 1);
		assert_ptr_equal(http_listener_data(t->pending), i == 0 ? NULL : &mark);
		net_peer_close(&p);
		net_test_wait_count(t, &t->aborts, i + 1);
	}
}

static void test_a_listener_that_is_adopted_has_its_mark(void **state)
{
	struct net_test *t = *state;
	int mark, fd = fcntl(http_server_listener_fd(t->server, 0), F_DUPFD_CLOEXEC, 0);
	const struct http_listener_config cfg = { .data = &mark };
	struct error err = ERROR_INIT;
	struct net_peer p;

	http_server_stop_listening(t->server);
	(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	assert_int_equal(http_server_adopt(t->server, fd, &cfg, &err), 0);
	assert_string_equal(http_server_address(t->server, 0), http_server_address(t->server, 1));
	net_peer_open_at(&p, t, 1);
	net_peer_say(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	assert_ptr_equal(http_listener_data(t->pending), &mark);
	net_peer_close(&p);
	net_test_wait_count(t, &t->aborts, 1);
}

/* Asks with header lines and tells who the client is, if it is not the peer itself. */
static void expect_client(struct net_test *t, const char *lines, const char *client)
{
	unsigned seen = t->requests, aborted = t->aborts;
	char request[512];
	struct net_peer p;

	(void)snprintf(request, sizeof request, "GET /later HTTP/1.1\r\n" HOST "%s\r\n", lines);
	net_peer_open(&p, t);
	net_peer_say(&p, request);
	net_test_wait_count(t, &t->requests, seen + 1);
	if (client == NULL) {
		assert_memory_equal(http_peer(t->pending), "127.0.0.1:", 10);
		assert_string_not_equal(http_peer(t->pending), "127.0.0.1:0");
	} else {
		assert_string_equal(http_peer(t->pending), client);
	}
	net_peer_close(&p);
	net_test_wait_count(t, &t->aborts, aborted + 1);
}

static void test_only_a_trusted_proxy_says_who_the_client_is(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct error err = ERROR_INIT;

	expect_client(t, "X-Forwarded-For: 1.2.3.4\r\n", NULL);
	assert_int_equal(
	    address_list_parse("127.0.0.1, 10.0.0.0/8", &cfg.trusted_proxies, &err), 0);
	net_test_restart(t, &cfg);
	expect_client(t, "", NULL);
	expect_client(t, "X-Forwarded-For: 1.2.3.4\r\n", "1.2.3.4:0");
	expect_client(t, "x-forwarded-for: 6.6.6.6, fd00::1, 10.0.0.7\r\n", "[fd00::1]:0");
	expect_client(
	    t, "X-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Forwarded-For: 10.0.0.7\r\n", "1.2.3.4:0");
	expect_client(
	    t, "X-Forwarded-For: 10.0.0.8\r\nX-Forwarded-For: 10.0.0.7\r\n", "10.0.0.8:0");
	expect_client(t, "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: unknown\r\n", NULL);
	expect_client(t, "X-Forwarded-For:\r\n", NULL);
}

static void test_each_request_of_a_proxy_has_its_own_client(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct http_answer a = { .status = 200, .body = "x", .body_bytes = 1 };
	struct error err = ERROR_INIT;
	struct net_peer p;

	assert_int_equal(address_list_parse("127.0.0.1", &cfg.trusted_proxies, &err), 0);
	net_test_restart(t, &cfg);
	net_peer_open(&p, t);
	net_peer_say(&p,
	    "GET /later HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.2.3.4\r\n\r\n"
	    "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, 1);
	assert_string_equal(http_peer(t->pending), "1.2.3.4:0");
	http_respond(t->pending, &a);
	net_test_wait_count(t, &t->requests, 2);
	assert_memory_equal(http_peer(t->pending), "127.0.0.1:", 10);
	net_peer_close(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, net_test_setup, net_test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_a_body_can_be_taken_over),
		TEST(test_refuses_and_ends),
		TEST(test_head_has_the_length_but_no_body),
		TEST(test_pipelined_requests_are_answered_in_order),
		TEST(test_added_headers_are_of_one_answer),
		TEST(test_many_pipelined_requests),
		TEST(test_requests_far_ahead_of_a_late_answer),
		TEST(test_byte_by_byte_is_the_same),
		TEST(test_expect_100_continue),
		TEST(test_a_refusal_comes_before_the_100),
		TEST(test_a_413_arrives_though_the_body_is_being_sent),
		TEST(test_header_and_body_have_deadlines),
		TEST(test_a_drip_does_not_put_the_deadline_off),
		TEST(test_an_idle_connection_is_closed),
		TEST(test_who_takes_nothing_of_the_answer_is_dropped),
		TEST(test_who_reads_slowly_but_reads_is_not_dropped),
		TEST(test_a_slow_reader_gets_all_of_a_big_answer),
		TEST(test_who_shuts_its_side_still_gets_the_answer),
		TEST(test_the_last_answer_has_its_time),
		TEST(test_who_leaves_before_the_answer_is_noticed),
		TEST(test_only_a_trusted_proxy_says_who_the_client_is),
		TEST(test_each_request_of_a_proxy_has_its_own_client),
		TEST(test_out_of_descriptors),
		TEST(test_no_descriptor_is_lost),
		TEST(test_freeing_ends_every_connection),
		TEST(test_stopped_server_ends_connections_after_their_answer),
		TEST(test_listen_errors_name_the_address),
		TEST(test_a_request_knows_by_which_listener_it_came),
		TEST(test_a_listener_that_is_adopted_has_its_mark),
	};
#undef TEST

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
