#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/net_test_util.h"

#define HOST "Host: a\r\n"
#define ASK  "GET /stream HTTP/1.1\r\n" HOST "\r\n"

static void open_stream(struct net_peer *p, struct net_test *t, const char *request)
{
	unsigned seen = t->requests;

	net_peer_open(p, t);
	net_peer_say(p, request);
	net_test_wait_count(t, &t->requests, seen + 1);
	assert_non_null(t->stream);
}

static void end_stream(struct net_test *t)
{
	http_stream_end(t->stream);
	t->stream = NULL;
}

static const char *body_of(struct net_peer *p)
{
	const char *at = strstr(net_peer_text(p), "\r\n\r\n");

	assert_non_null(at);
	return at + 4;
}

static void test_pieces_arrive_as_they_are_sent_and_the_connection_goes_on(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, ASK);
	net_peer_wait_text(&p, "\r\n\r\n");
	assert_non_null(strstr(net_peer_text(&p), "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(net_peer_text(&p), "Connection: keep-alive\r\n"));
	assert_non_null(strstr(net_peer_text(&p),
	    "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
	    "Cache-Control: no-store\r\n\r\n"));
	assert_null(strstr(net_peer_text(&p), "Content-Length"));
	assert_int_equal(http_stream_send(t->stream, "one", 3), 0);
	net_peer_wait_text(&p, "3\r\none\r\n");
	assert_int_equal(http_stream_send(t->stream, "", 0), 0);
	assert_int_equal(http_stream_send(t->stream, "0123456789abcdef", 16), 0);
	end_stream(t);
	net_peer_wait_text(&p, "0\r\n\r\n");
	assert_string_equal(body_of(&p), "3\r\none\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
	net_peer_say(&p, "GET /next HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /next");
	assert_int_equal(t->stream_closed, 0);
	net_peer_close(&p);
}

static void test_a_client_of_1_0_gets_bytes_up_to_the_end(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_int_equal(http_stream_send(t->stream, "one", 3), 0);
	assert_int_equal(http_stream_send(t->stream, "two", 3), 0);
	end_stream(t);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_non_null(strstr(net_peer_text(&p), "Connection: close\r\n"));
	assert_null(strstr(net_peer_text(&p), "chunked"));
	assert_string_equal(body_of(&p), "onetwo");
	net_peer_close(&p);
}

static void test_head_gets_no_piece(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(http_stream_send(t->stream, "one", 3), 0);
	end_stream(t);
	net_peer_say(&p, "GET /next HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /next");
	assert_memory_equal(body_of(&p), "HTTP/1.1 200", 12);
	net_peer_close(&p);
}

static void test_the_next_request_waits_for_the_end(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, ASK "GET /next HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(http_stream_send(t->stream, "one", 3), 0);
	net_peer_wait_text(&p, "one");
	assert_int_equal(t->requests, 1);
	end_stream(t);
	assert_int_equal(t->requests, 1); /* never from inside */
	net_peer_wait_text(&p, "GET /next");
	assert_non_null(strstr(net_peer_text(&p), "one\r\n0\r\n\r\nHTTP/1.1 200"));
	net_peer_close(&p);
}

static void test_a_stream_may_end_at_once(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	t->end_at_once = true;
	net_peer_open(&p, t);
	net_peer_say(&p, ASK ASK "GET /next HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /next");
	assert_int_equal(t->requests, 3);
	net_peer_say(&p, "GET /stream HTTP/1.0\r\n\r\n");
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_memory_equal(net_peer_text(&p) + p.got.len - 3, "now", 3);
	net_peer_close(&p);
}

static void test_who_leaves_is_noticed_once(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, ASK);
	net_peer_close(&p);
	net_test_wait_count(t, &t->stream_closed, 1);
	open_stream(&p, t, ASK);
	net_peer_break(&p);
	net_test_wait_count(t, &t->stream_closed, 2);
	net_test_wait_idle(t);
	assert_int_equal(t->aborts, 0);
}

static void test_who_does_not_read_is_dropped_at_the_bound(void **state)
{
	struct net_test *t = *state;
	char *bytes = calloc(1, 100000);
	struct net_peer p;
	unsigned sent = 0;

	open_stream(&p, t, ASK);
	net_peer_stop_reading(&p);
	while (http_stream_send(t->stream, bytes, 100000) == 0)
		assert_true(++sent < 1000);
	assert_int_equal(http_stream_send(t->stream, "x", 1), -1);
	assert_int_equal(t->stream_closed, 0); /* never from inside */
	net_test_wait_count(t, &t->stream_closed, 1);
	net_test_wait_idle(t);
	net_peer_close(&p);
	free(bytes);
}

static void test_an_end_behind_the_bound_tells_nothing_more(void **state)
{
	struct net_test *t = *state;
	char *bytes = calloc(1, 1000001);
	struct net_peer p;

	open_stream(&p, t, ASK);
	assert_int_equal(http_stream_send(t->stream, bytes, 1000001), -1);
	end_stream(t);
	net_peer_wait_end(&p);
	net_test_wait_idle(t);
	assert_int_equal(t->stream_closed, 0);
	net_peer_close(&p);
	free(bytes);
}

static void test_only_the_send_timeout_cuts_a_long_stream(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	uint64_t until;
	struct net_peer p;
	char *bytes = calloc(1, 100000);

	cfg.body_timeout_ms = cfg.idle_timeout_ms = 30;
	cfg.send_timeout_ms = 50;
	cfg.send_buffer_bytes = 100 * 1000 * 1000;
	net_test_restart(t, &cfg);
	open_stream(&p, t, ASK);
	for (until = uv_now(&t->loop) + 150; uv_now(&t->loop) < until;) {
		assert_non_null(t->stream);
		assert_int_equal(http_stream_send(t->stream, "x", 1), 0);
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(t->stream_closed, 0);
	net_peer_stop_reading(&p);
	for (int i = 0; i < 200; i++)
		assert_int_equal(http_stream_send(t->stream, bytes, 100000), 0);
	net_test_wait_count(t, &t->stream_closed, 1);
	net_peer_close(&p);
	free(bytes);
}

static void test_a_stopped_server_lets_it_end_and_then_closes(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, ASK);
	http_server_stop_listening(t->server);
	assert_int_equal(http_stream_send(t->stream, "one", 3), 0);
	net_peer_wait_text(&p, "one");
	end_stream(t);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_string_equal(body_of(&p), "3\r\none\r\n0\r\n\r\n");
	net_peer_close(&p);
}

static void test_freeing_the_server_tells_the_owner(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_stream(&p, t, ASK);
	net_test_free_server(t);
	assert_int_equal(t->stream_closed, 1);
	net_peer_wait_end(&p);
	net_peer_close(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, net_test_setup, net_test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_pieces_arrive_as_they_are_sent_and_the_connection_goes_on),
		TEST(test_a_client_of_1_0_gets_bytes_up_to_the_end),
		TEST(test_head_gets_no_piece),
		TEST(test_the_next_request_waits_for_the_end),
		TEST(test_a_stream_may_end_at_once),
		TEST(test_who_leaves_is_noticed_once),
		TEST(test_who_does_not_read_is_dropped_at_the_bound),
		TEST(test_an_end_behind_the_bound_tells_nothing_more),
		TEST(test_only_the_send_timeout_cuts_a_long_stream),
		TEST(test_a_stopped_server_lets_it_end_and_then_closes),
		TEST(test_freeing_the_server_tells_the_owner),
	};
#undef TEST

	return cmocka_run_group_tests_name("http_stream", tests, NULL, NULL);
}
