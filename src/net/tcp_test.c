#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/metric.h"
#include "net/net_test_util.h"

static int mark;

static const struct http_listener_config raw = {
	.address = "127.0.0.1:0",
	.data = &mark,
	.raw = true,
};

/* Opens a raw connection, by a listener of its own, that the server has seen. */
static void open_raw(struct net_peer *p, struct net_test *t)
{
	unsigned seen = t->tcp_opened;

	net_peer_open_at(p, t, net_test_listen(t, &raw));
	net_test_wait_count(t, &t->tcp_opened, seen + 1);
}

static void test_bytes_go_both_ways_and_the_listener_is_known(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_raw(&p, t);
	assert_ptr_equal(t->tcp_data, &mark);
	assert_memory_equal(tcp_peer(t->tcp), "127.0.0.1:", 10);
	net_peer_send(&p, "GET \0\xff", 6);
	net_peer_wait_bytes(&p, 6);
	assert_memory_equal(net_peer_text(&p), "GET \0\xff", 6);
	assert_true(tcp_last_heard_ns(t->tcp) <= clock_now_ns());
	assert_int_equal(t->requests, 0);
	net_peer_close(&p);
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_int_equal(t->tcp_ends, 1);
}

static void test_a_peer_that_shut_its_side_still_gets_bytes(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_raw(&p, t);
	net_peer_say(&p, "last");
	net_peer_shut(&p);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_string_equal(net_peer_text(&p), "lastbye");
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_string_equal(t->why, "closed by the server");
	net_peer_close(&p);
}

static void test_a_lost_peer_is_noticed_also_after_its_end(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	t->mute = true;
	open_raw(&p, t);
	net_peer_shut(&p);
	net_test_wait_count(t, &t->tcp_ends, 1);
	assert_int_equal(t->tcp_closed, 0);
	net_peer_break(&p);
	while (t->tcp != NULL && tcp_send(t->tcp, "x", 1) == 0)
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_memory_equal(t->why, "the connection was lost: ", 25);
}

static void test_a_reset_is_told_in_words(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	open_raw(&p, t);
	net_peer_break(&p);
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_string_equal(t->why, "the connection was lost: connection reset by peer");
	assert_int_equal(t->tcp_ends, 0);
}

static void test_closing_sends_what_waits(void **state)
{
	enum { MANY = 900 * 1000 };
	struct net_test *t = *state;
	char *bytes = calloc(1, MANY);
	struct net_peer p;

	t->mute = true;
	open_raw(&p, t);
	net_peer_stop_reading(&p);
	assert_int_equal(tcp_send(t->tcp, bytes, MANY), 0);
	tcp_close(t->tcp);
	assert_int_equal(tcp_send(t->tcp, "x", 1), -1);
	assert_int_equal(t->tcp_closed, 0); /* never from inside */
	net_test_wait_count(t, &t->tcp_closed, 1);
	net_peer_say(&p, "not heard any more");
	net_peer_read(&p);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_int_equal(p.got.len, MANY);
	assert_int_equal(t->tcp_got.len, 0);
	net_peer_close(&p);
	free(bytes);
}

static void test_who_does_not_read_is_dropped_at_the_bound(void **state)
{
	struct net_test *t = *state;
	char *bytes = calloc(1, 100000);
	struct net_peer p;
	unsigned sent = 0;

	t->mute = true;
	open_raw(&p, t);
	net_peer_stop_reading(&p);
	while (tcp_send(t->tcp, bytes, 100000) == 0)
		assert_true(++sent < 1000);
	assert_true(tcp_unsent_bytes(t->tcp) <= t->cfg.send_buffer_bytes);
	assert_int_equal(t->tcp_closed, 0);
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_non_null(strstr(t->why, "are over send_buffer_bytes 1000000"));
	net_peer_close(&p);
	free(bytes);
}

static void test_who_takes_nothing_is_dropped_in_time(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	char *bytes = calloc(1, 100000);
	struct net_peer p;

	cfg.send_timeout_ms = 40;
	cfg.send_buffer_bytes = 100 * 1000 * 1000;
	net_test_restart(t, &cfg);
	t->mute = true;
	open_raw(&p, t);
	net_peer_stop_reading(&p);
	while (tcp_unsent_bytes(t->tcp) < 1000000)
		assert_int_equal(tcp_send(t->tcp, bytes, 100000), 0);
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_string_equal(t->why, "nothing of what was sent was taken for send_timeout_ms 40");
	net_peer_close(&p);
	free(bytes);
}

static void test_pause_slows_the_sender_and_resume_loses_nothing(void **state)
{
	struct net_test *t = *state;
	char *bytes = calloc(1, 65536);
	struct net_peer p;
	size_t sent = 0;
	ssize_t n;

	t->mute = t->pause_at_once = true;
	open_raw(&p, t);
	assert_true(tcp_is_paused(t->tcp));
	while ((n = net_peer_try_send(&p, bytes, 65536)) > 0) {
		sent += (size_t)n;
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(t->tcp_got.len, 0);
	tcp_resume(t->tcp);
	assert_false(tcp_is_paused(t->tcp));
	while (t->tcp_got.len < sent)
		(void)uv_run(&t->loop, UV_RUN_ONCE);
	net_peer_close(&p);
	net_test_wait_count(t, &t->tcp_ends, 1);
	tcp_drop(t->tcp);
	net_test_wait_count(t, &t->tcp_closed, 1);
	assert_string_equal(t->why, "dropped by the server");
	free(bytes);
}

static void test_a_connection_may_be_dropped_before_it_begins(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	t->tcp_refuse = true;
	open_raw(&p, t);
	net_peer_wait_end(&p);
	net_peer_close(&p);
	net_test_wait_idle(t);
	assert_int_equal(t->tcp_closed, 0);
}

static void test_one_raw_connection_too_many_is_closed(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer a, b;

	cfg.max_connections = 1;
	net_test_restart(t, &cfg);
	open_raw(&a, t);
	net_peer_say(&a, "said");
	net_peer_wait_text(&a, "said");
	net_peer_open_at(&b, t, 1);
	net_peer_wait_end(&b);
	assert_int_equal(b.got.len, 0);
	assert_int_equal(t->tcp_opened, 1);
	net_peer_close(&b);
	net_peer_close(&a);
}

static void test_freeing_the_server_ends_it_also_from_inside(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	t->free_on_message = true;
	open_raw(&p, t);
	net_peer_say(&p, "a");
	net_test_wait_count(t, &t->tcp_closed, 1);
	net_peer_wait_end(&p);
	net_peer_close(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, net_test_setup, net_test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_go_both_ways_and_the_listener_is_known),
		TEST(test_a_peer_that_shut_its_side_still_gets_bytes),
		TEST(test_a_lost_peer_is_noticed_also_after_its_end),
		TEST(test_a_reset_is_told_in_words),
		TEST(test_closing_sends_what_waits),
		TEST(test_who_does_not_read_is_dropped_at_the_bound),
		TEST(test_who_takes_nothing_is_dropped_in_time),
		TEST(test_pause_slows_the_sender_and_resume_loses_nothing),
		TEST(test_a_connection_may_be_dropped_before_it_begins),
		TEST(test_one_raw_connection_too_many_is_closed),
		TEST(test_freeing_the_server_ends_it_also_from_inside),
	};
#undef TEST

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
