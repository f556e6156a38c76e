/* Who is let in when there are too many. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/metric.h"
#include "net/net_test_util.h"

#define HOST "Host: a\r\n"

/* Asks on a connection of its own. */
static void expect_answer(struct net_test *t, const char *request, const char *answer)
{
	struct net_peer p;

	net_peer_open(&p, t);
	net_peer_say(&p, request);
	net_peer_wait_text(&p, answer);
	net_peer_close(&p);
}

static void restart(struct net_test *t, unsigned max)
{
	struct http_config cfg = net_test_config;

	cfg.max_connections = max;
	net_test_restart(t, &cfg);
}

/* A connection that waits for its answer, and so is not given up. */
static void open_at_work(struct net_peer *p, struct net_test *t)
{
	unsigned had = t->requests;

	net_peer_open(p, t);
	net_peer_say(p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	net_test_wait_count(t, &t->requests, had + 1);
}

static void test_one_connection_too_many_gets_503(void **state)
{
	uint64_t refused = metric_get(METRIC_connections_refused_total);
	struct net_test *t = *state;
	struct net_peer a, b;
	unsigned before;

	restart(t, 1);
	open_at_work(&a, t);
	before = net_test_descriptors();
	net_peer_open(&b, t);
	net_peer_say(&b, "POST /words HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
	net_peer_wait_end(&b);
	assert_false(b.reset);
	assert_non_null(strstr(net_peer_text(&b), "HTTP/1.1 503 Service Unavailable"));
	assert_non_null(strstr(net_peer_text(&b), "Retry-After: "));
	assert_non_null(strstr(net_peer_text(&b),
	    "{\"status\":503,\"why\":\"all 1 connections (max_connections) are taken\"}"));
	assert_int_equal(metric_get(METRIC_connections_refused_total) - refused, 1);
	assert_int_equal(metric_get(METRIC_connections), 1);
	assert_int_equal(t->requests, 1);
	net_peer_close(&b);
	net_test_wait_descriptors(t, before); /* its end was awaited and seen */
	net_peer_close(&a);
	net_test_wait_idle(t);
	expect_answer(t, "GET /3 HTTP/1.1\r\n" HOST "\r\n", "GET /3");
}

static void test_a_question_for_the_health_is_answered_all_the_same(void **state)
{
	struct net_test *t = *state;
	struct net_peer a, half[80], p;

	restart(t, 1);
	open_at_work(&a, t);
	for (unsigned i = 0; i < 80; i++) { /* more than the reserve has places */
		net_peer_open(&half[i], t);
		net_peer_say(&half[i], "GET /health HTTP/1.1\r\nHos");
	}
	net_peer_open(&p, t);
	net_peer_say(
	    &p, "GET /health HTTP/1.1\r\n" HOST "\r\nGET /health HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_end(&p);
	assert_non_null(strstr(net_peer_text(&p), "Connection: close"));
	assert_non_null(strstr(net_peer_text(&p), "GET /health"));
	net_peer_close(&p);
	for (unsigned i = 0; i < 80; i++)
		net_peer_close(&half[i]);
	net_peer_close(&a);
}

static bool has_connections(void *arg)
{
	return metric_get(METRIC_connections) == *(uint64_t *)arg;
}

/* So that it is known which is the oldest. */
static void open_saying(struct net_peer *p, struct net_test *t, const char *text)
{
	uint64_t want = metric_get(METRIC_connections) + 1;

	net_peer_open(p, t);
	net_test_wait(t, has_connections, &want);
	net_peer_say(p, text);
}

/* All have just gone on, so who rests goes first, and then the oldest. */
static void test_the_oldest_that_waits_for_its_request_goes(void **state)
{
	uint64_t given_up = metric_get(METRIC_connections_given_up_total);
	struct net_test *t = *state;
	struct net_peer body, idle, header, silent, a[4];

	restart(t, 4);
	open_saying(&body, t, "POST /words HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
	open_saying(&idle, t, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&idle, "GET /1");
	open_saying(&header, t, "GET /words HTTP/1.1\r\nHos");
	open_saying(&silent, t, "");
	open_at_work(&a[0], t);
	net_peer_wait_end(&idle);
	assert_false(body.ended || header.ended || silent.ended);
	net_peer_open_ws(&a[1], t);
	net_peer_wait_end(&body);
	assert_non_null(strstr(net_peer_text(&body), "{\"status\":503,"));
	assert_false(header.ended || silent.ended);
	net_peer_open_ws(&a[2], t);
	net_peer_wait_end(&header);
	assert_non_null(strstr(net_peer_text(&header), "{\"status\":503,"));
	assert_false(silent.ended);
	net_peer_open_ws(&a[3], t);
	net_peer_wait_end(&silent);
	assert_int_equal(silent.got.len, 0);
	assert_int_equal(metric_get(METRIC_connections_given_up_total) - given_up, 4);
	expect_answer(t, "GET /5 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 503");
	net_peer_close(&header);
	net_peer_close(&silent);
	net_peer_close(&idle);
	net_peer_close(&body);
	for (unsigned i = 0; i < 4; i++)
		net_peer_close(&a[i]);
}

static void test_one_that_was_answered_and_stays_keeps_nobody_out(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer a;

	cfg.max_connections = 1;
	cfg.linger_timeout_ms = 60000;
	net_test_restart(t, &cfg);
	net_peer_open(&a, t);
	net_peer_say(&a, "GET /1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	net_peer_wait_end(&a);
	expect_answer(t, "GET /2 HTTP/1.1\r\n" HOST "\r\n", "GET /2");
	net_peer_close(&a);
	net_test_wait_idle(t);
}

static void test_an_address_has_its_share_of_connections(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	uint64_t refused = metric_get(METRIC_connections_refused_total);
	struct http_listener_config raw = { .address = "127.0.0.1:0", .raw = true };
	struct net_peer a, b, c;

	cfg.max_connections_per_address = 2;
	net_test_restart(t, &cfg);
	open_at_work(&a, t);
	net_peer_open_at(&b, t, net_test_listen(t, &raw));
	net_peer_say(&b, "said");
	net_peer_wait_text(&b, "said");
	net_peer_open(&c, t);
	net_peer_say(&c, "GET /2 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_end(&c);
	assert_false(c.reset);
	assert_non_null(strstr(net_peer_text(&c), "HTTP/1.1 503 Service Unavailable"));
	assert_non_null(strstr(net_peer_text(&c),
	    "all 2 connections of one address (max_connections_per_address) are taken"));
	net_peer_close(&c);
	net_peer_open_at(&c, t, 1);
	net_peer_wait_end(&c);
	assert_int_equal(c.got.len, 0);
	net_peer_close(&c);
	assert_int_equal(metric_get(METRIC_connections_refused_total) - refused, 2);
	assert_int_equal(t->tcp_opened, 1);
	net_peer_close(&a);
	net_peer_close(&b);
	net_test_wait_idle(t);
	expect_answer(t, "GET /3 HTTP/1.1\r\n" HOST "\r\n", "GET /3");
}

/* A raw connection that has said nothing is half open too. */
static void test_one_of_the_same_address_goes_first(void **state)
{
	struct http_config cfg = net_test_config;
	struct http_listener_config raw = { .address = "127.0.0.1:0", .raw = true };
	struct net_test *t = *state;
	struct net_peer a, b;

	cfg.max_connections_per_address = 2;
	net_test_restart(t, &cfg);
	open_at_work(&a, t);
	net_peer_open_at(&b, t, net_test_listen(t, &raw));
	net_test_wait_count(t, &t->tcp_opened, 1);
	expect_answer(t, "GET /2 HTTP/1.1\r\n" HOST "\r\n", "GET /2");
	net_peer_wait_end(&b);
	assert_string_equal(
	    t->why, "all connections are taken (max_connections), and it had said nothing");
	net_peer_close(&b);
	net_peer_close(&a);
}

static void test_a_trusted_proxy_may_bring_many(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct error err = ERROR_INIT;
	struct net_peer peers[3];

	cfg.max_connections_per_address = 1;
	assert_int_equal(address_list_parse("127.0.0.0/8", &cfg.trusted_proxies, &err), 0);
	net_test_restart(t, &cfg);
	for (unsigned i = 0; i < 3; i++)
		net_peer_open(&peers[i], t);
	for (unsigned i = 0; i < 3; i++) {
		net_peer_say(&peers[i], "GET /1 HTTP/1.1\r\n" HOST "\r\n");
		net_peer_wait_text(&peers[i], "GET /1");
	}
	cfg.trusted_proxies.n = 0; /* it is not any more: those who are here stay */
	http_server_reconfigure(t->server, &cfg);
	net_peer_close(&peers[0]);
	net_peer_close(&peers[1]);
	net_peer_say(&peers[2], "GET /2 HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&peers[2], "GET /2");
	net_peer_close(&peers[2]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, net_test_setup, net_test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_connection_too_many_gets_503),
		TEST(test_a_question_for_the_health_is_answered_all_the_same),
		TEST(test_the_oldest_that_waits_for_its_request_goes),
		TEST(test_one_that_was_answered_and_stays_keeps_nobody_out),
		TEST(test_an_address_has_its_share_of_connections),
		TEST(test_one_of_the_same_address_goes_first),
		TEST(test_a_trusted_proxy_may_bring_many),
	};
#undef TEST

	return cmocka_run_group_tests_name("http_accept", tests, NULL, NULL);
}
