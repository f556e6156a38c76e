#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "net/net_test_util.h"
#include "net/ws_client.h"

struct heard {
	struct net_test *test;
	unsigned opened, messages, closed, code;
	enum ws_kind kind;
	uint8_t bytes[200000]; /* of the last message */
	size_t n;
	char why[256];
};

static struct heard heard;

static void on_open(void *arg, struct ws_client *c)
{
	struct heard *h = arg;

	(void)c;
	h->opened++;
}

static void on_message(
    void *arg, struct ws_client *c, enum ws_kind kind, const void *bytes, size_t n)
{
	struct heard *h = arg;

	(void)c;
	h->messages++;
	h->kind = kind;
	h->n = n;
	memcpy(h->bytes, bytes, MIN(n, sizeof h->bytes));
}

static void on_close(void *arg, struct ws_client *c, unsigned code, const char *why)
{
	struct heard *h = arg;

	(void)c;
	h->closed++;
	h->code = code;
	(void)snprintf(h->why, sizeof h->why, "%s", why);
}

static const struct ws_client_events events = {
	.on_open = on_open, .on_message = on_message, .on_close = on_close
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct net_test));
	net_test_start(*state, NULL);
	memset(&heard, 0, sizeof heard);
	return 0;
}

static int teardown(void **state)
{
	net_test_stop(*state);
	free(*state);
	return 0;
}

static struct ws_client *begin(struct net_test *t, const char *path, unsigned timeout_ms)
{
	char url[128];
	struct ws_client_config cfg = {
		.url = url,
		.headers = "X-Test: 1\r\n",
		.subprotocol = "realtime",
		.timeout_ms = timeout_ms,
		.max_message_bytes = 200000,
		.send_buffer_bytes = 4000000,
	};
	struct error err = ERROR_INIT;
	struct ws_client *c;

	(void)snprintf(url, sizeof url, "ws://%s%s", http_server_address(t->server, 0), path);
	c = ws_client_connect(&t->loop, &cfg, &events, &heard, &err);
	assert_non_null(c);
	return c;
}

static void test_echo_and_close(void **state)
{
	static uint8_t big[150000];
	struct net_test *t = *state;
	struct ws_client *c = begin(t, "/ws?x", 60000);

	assert_int_equal(ws_client_send_text(c, "early", 5), -1);
	net_test_wait_count(t, &heard.opened, 1);
	assert_int_equal(ws_client_send_text(c, "hello", 5), 0);
	net_test_wait_count(t, &heard.messages, 1);
	assert_int_equal(heard.kind, WS_TEXT);
	assert_int_equal(heard.n, 5);
	assert_memory_equal(heard.bytes, "hello", 5);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_int_equal(ws_client_send_binary(c, big, sizeof big), 0);
	net_test_wait_count(t, &heard.messages, 2);
	assert_int_equal(heard.kind, WS_BINARY);
	assert_int_equal(heard.n, sizeof big);
	assert_memory_equal(heard.bytes, big, sizeof big);
	ws_client_close(c, 1000, "enough");
	assert_int_equal(heard.closed, 0);
	net_test_wait_count(t, &heard.closed, 1);
	assert_int_equal(heard.code, 1000);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, 1000);
	assert_string_equal(t->why, "enough");
}

static void test_the_server_closes(void **state)
{
	struct net_test *t = *state;
	struct ws_client *c = begin(t, "/ws", 60000);

	net_test_wait_count(t, &heard.opened, 1);
	assert_int_equal(ws_client_send_text(c, "goodbye", 7), 0);
	net_test_wait_count(t, &heard.closed, 1);
	assert_int_equal(heard.code, 4321);
	assert_string_equal(heard.why, "as you wish");
}

static void test_the_server_goes_away(void **state)
{
	struct net_test *t = *state;

	(void)begin(t, "/ws", 60000);
	net_test_wait_count(t, &heard.opened, 1);
	net_test_free_server(t);
	net_test_wait_count(t, &heard.closed, 1);
	assert_int_equal(heard.code, WS_CLOSE_ABNORMAL);
}

static void test_what_waits_is_counted(void **state)
{
	static const uint8_t bytes[100000];
	struct net_test *t = *state;
	struct ws_client *c = begin(t, "/ws", 60000);
	size_t sent = 0;

	net_test_wait_count(t, &heard.opened, 1);
	t->mute = true;
	assert_int_equal(ws_client_unsent_bytes(c), 0);
	ws_pause(t->ws);
	while (ws_client_unsent_bytes(c) == 0) {
		assert_int_equal(ws_client_send_binary(c, bytes, sizeof bytes), 0);
		sent++;
	}
	ws_resume(t->ws);
	net_test_wait_count(t, &t->messages, (unsigned)sent);
	ws_client_close(c, 1000, "");
	net_test_wait_count(t, &heard.closed, 1);
}

static void expect_failure(
    struct net_test *t, const char *path, unsigned timeout_ms, const char *why)
{
	(void)begin(t, path, timeout_ms);
	heard.closed = 0;
	net_test_wait_count(t, &heard.closed, 1);
	assert_int_equal(heard.code, WS_CLOSE_ABNORMAL);
	assert_int_equal(heard.opened, 0);
	if (strstr(heard.why, why) == NULL)
		fail_msg("no '%s' in '%s'", why, heard.why);
}

static void test_refusals_are_told(void **state)
{
	struct net_test *t = *state;

	expect_failure(t, "/refuse", 60000, "the server answered 401: {\"error\":\"key\"}");
	expect_failure(t, "/other?q", 60000, "the server answered 200: GET /other q ");
	expect_failure(
	    t, "/impostor", 60000, "answered 101 with a wrong Sec-WebSocket-Accept 'guessed'");
	expect_failure(t, "/later", 20, "did not answer the handshake in time");
	net_test_wait_count(t, &t->aborts, 1);
}

static void test_nobody_listens(void **state)
{
	struct net_test *t = *state;
	char want[128];

	(void)snprintf(want, sizeof want, "cannot connect to %s: connection refused",
	    http_server_address(t->server, 0));
	http_server_stop_listening(t->server);
	expect_failure(t, "/", 60000, want);
}

static void test_close_before_it_is_open(void **state)
{
	struct net_test *t = *state;

	ws_client_close(begin(t, "/ws", 60000), 1000, "");
	assert_int_equal(heard.closed, 0); /* not from inside */
	net_test_wait_count(t, &heard.closed, 1);
	assert_string_equal(heard.why, "closed before it was open");
	heard.closed = 0;
	{
		struct ws_client *c = begin(t, "/later", 60000);

		net_test_wait_count(t, &t->requests, 1);
		ws_client_close(c, 1000, "");
		ws_client_close(c, 1000, "");
		net_test_wait_count(t, &heard.closed, 1);
	}
	assert_string_equal(heard.why, "closed before it was open");
	net_test_wait_count(t, &t->aborts, 1);
}

static void test_a_wrong_url_is_refused_at_once(void **state)
{
	struct net_test *t = *state;
	struct ws_client_config cfg = { .url = "http://a/" };
	struct error err = ERROR_INIT;

	assert_null(ws_client_connect(&t->loop, &cfg, &events, &heard, &err));
	assert_string_equal(err.text, "'http://a/' does not begin with ws:// or wss://");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_echo_and_close),
		TEST(test_the_server_closes),
		TEST(test_the_server_goes_away),
		TEST(test_what_waits_is_counted),
		TEST(test_refusals_are_told),
		TEST(test_nobody_listens),
		TEST(test_close_before_it_is_open),
		TEST(test_a_wrong_url_is_refused_at_once),
	};
#undef TEST

	return cmocka_run_group_tests_name("ws_client", tests, NULL, NULL);
}
