/* Bodies that are handed on as they come, and what becomes of slow ones. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "net/net_test_util.h"

#define HOST "Host: a\r\n"

enum { LIMIT = 4000000 };

struct receiver {
	struct net_test *test;
	struct http_exchange *x; /* NULL once it is answered or lost */
	size_t got;
	unsigned wholes, losses;
	bool pause, answer_at_once;
	char why[128];
};

static void answer(struct receiver *r, unsigned status)
{
	struct http_exchange *x = r->x;
	char text[32];

	r->x = NULL;
	(void)snprintf(text, sizeof text, "%zu came", r->got);
	http_respond(
	    x, &(struct http_answer){ .status = status, .body = text, .body_bytes = strlen(text) });
}

static void on_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	struct receiver *r = arg;

	assert_non_null(bytes);
	assert_true(n > 0);
	r->got += n;
	if (r->pause)
		http_receive_pause(r->x);
	if (r->answer_at_once)
		answer(r, 400);
}

static void on_whole(void *arg)
{
	struct receiver *r = arg;

	r->wholes++;
	answer(r, 200);
}

static void on_lost(void *arg, const char *why)
{
	struct receiver *r = arg;

	r->x = NULL;
	r->losses++;
	(void)snprintf(r->why, sizeof r->why, "%s", why);
}

static const struct http_body_events events = {
	.on_bytes = on_bytes, .on_whole = on_whole, .on_lost = on_lost
};

static void at_header(struct net_test *t, struct http_exchange *x)
{
	const struct http_body_limit limit = { LIMIT, "max_file_bytes" };
	struct receiver *r = t->own;

	if (strcmp(http_method(x), "POST") != 0)
		return;
	r->x = x;
	http_receive(x, &limit, &events, r);
}

static void begin(
    struct receiver *r, struct net_test *t, struct net_peer *p, const char *more_headers)
{
	char head[256];

	*r = (struct receiver){ .test = t };
	t->own = r;
	t->at_header = at_header;
	net_peer_open(p, t);
	(void)snprintf(head, sizeof head, "POST /words HTTP/1.1\r\n" HOST "%s\r\n", more_headers);
	net_peer_say(p, head);
}

/* What a resume brings comes by no event of the sockets, so nothing may wait for one. */
static void wait_got(struct receiver *r, size_t n)
{
	const uint64_t until = uv_hrtime() + 20 * 1000000000ull;

	while (r->got < n) {
		assert_true(uv_hrtime() < until);
		(void)uv_run(&r->test->loop, UV_RUN_NOWAIT);
	}
}

static void test_one_of_any_length_is_handed_on(void **state)
{
	enum { BODY = 3000000 }; /* far beyond max_body_bytes */
	uint8_t *body = calloc(1, BODY);
	struct receiver r;
	struct net_peer p;

	begin(&r, *state, &p, "Content-Length: 3000000\r\n");
	net_peer_send(&p, body, BODY);
	net_peer_wait_text(&p, "\r\n\r\n3000000 came");
	assert_non_null(strstr(net_peer_text(&p), "Connection: keep-alive"));
	net_peer_say(&p, "GET /next HTTP/1.1\r\n" HOST "\r\n");
	net_peer_wait_text(&p, "GET /next");
	assert_int_equal(r.wholes + 10 * r.losses, 1);
	assert_int_equal(r.test->requests, 1); /* the first was none of on_request */
	net_peer_close(&p);
	free(body);
}

static void test_a_chunked_one_with_100_continue(void **state)
{
	struct receiver r;
	struct net_peer p;

	begin(&r, *state, &p, "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n");
	net_peer_wait_text(&p, "100 Continue");
	net_peer_say(&p, "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
	net_peer_wait_text(&p, "\r\n\r\n7 came");
	net_peer_close(&p);
}

/* A receiver that takes nothing more: the client cannot send more than the sockets hold, and what has come waits. */
static void test_a_receiver_may_pause(void **state)
{
	uint8_t piece[4096] = { 0 };
	struct net_test *t = *state;
	struct receiver r;
	struct net_peer p;
	size_t sent = 0, had;
	ssize_t n;

	begin(&r, t, &p, "Content-Length: 4000000\r\n");
	r.pause = true;
	net_peer_send(&p, piece, 1);
	wait_got(&r, 1);
	had = r.got;
	for (sent = 1; (n = net_peer_try_send(&p, piece, MIN(sizeof piece, LIMIT - sent))) > 0;)
		sent += (size_t)n;
	for (int i = 0; i < 10; i++)
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	assert_int_equal(r.got, had);
	r.pause = false;
	http_receive_resume(r.x);
	while (sent < LIMIT) {
		net_peer_send(&p, piece, MIN(sizeof piece, LIMIT - sent));
		sent += MIN(sizeof piece, LIMIT - sent);
	}
	net_peer_wait_text(&p, "4000000 came");
	net_peer_close(&p);
}

/* Each piece of what the socket brings at once. */
static void test_one_that_pauses_at_each_piece(void **state)
{
	struct receiver r;
	struct net_peer p;

	begin(&r, *state, &p, "Transfer-Encoding: chunked\r\n");
	r.pause = true;
	net_peer_say(
	    &p, "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\nGET /next HTTP/1.1\r\n" HOST "\r\n");
	for (size_t want = 1; want <= 3; want++) {
		wait_got(&r, want);
		assert_int_equal(r.got, want);
		http_receive_resume(r.x);
	}
	net_peer_wait_text(&p, "3 came");
	net_peer_wait_text(&p, "GET /next");
	net_peer_close(&p);
}

static void test_it_may_be_answered_before_its_end(void **state)
{
	struct receiver r;
	struct net_peer p;

	begin(&r, *state, &p, "Content-Length: 100\r\n");
	r.answer_at_once = true;
	net_peer_say(&p, "abc");
	net_peer_wait_end(&p);
	assert_non_null(strstr(net_peer_text(&p), "HTTP/1.1 400"));
	assert_non_null(strstr(net_peer_text(&p), "3 came"));
	assert_int_equal(r.losses, 0);
	assert_false(p.reset);
	net_peer_close(&p);
}

/* What ends it from here: the receiver is told, and the client in the form of its path. */
static struct row {
	const char *name, *headers, *body;
	bool leaves;
	const char *answer, *why;
} rows[] = {
	{ "one that is announced too long", "Content-Length: 4000001\r\n", "", false,
	    "{\"status\":413,\"why\":\"body of 4000001 bytes is over max_file_bytes 4000000\"}",
	    "body of 4000001 bytes is over max_file_bytes 4000000" },
	{ "one that becomes too long", "Transfer-Encoding: chunked\r\n", "3D0901\r\n", false,
	    "{\"status\":413,", "chunked body is over max_file_bytes 4000000" },
	{ "one that is malformed", "Transfer-Encoding: chunked\r\n", "x\r\n", false,
	    "{\"status\":400,", NULL },
	{ "one that is late", "Content-Length: 5\r\n", "ab", false, "{\"status\":408,",
	    "the request's body did not arrive within body_timeout_ms 60, nor progress_bytes 1000 "
	    "of it" },
	{ "one whose client leaves", "Content-Length: 5\r\n", "ab", true, "",
	    "the client left before the answer" },
};

static void is_lost(void **state)
{
	const struct row *row = *state;
	struct http_config cfg = net_test_config;
	void *test = NULL;
	struct receiver r;
	struct net_peer p;

	assert_int_equal(net_test_setup(&test), 0);
	cfg.body_timeout_ms = 60;
	net_test_restart(test, &cfg);
	begin(&r, test, &p, row->headers);
	net_peer_say(&p, row->body);
	if (row->leaves)
		net_peer_shut(&p);
	net_test_wait_count(test, &r.losses, 1);
	net_peer_wait_end(&p);
	net_peer_wait_text(&p, row->answer);
	if (row->why != NULL)
		assert_string_equal(r.why, row->why);
	assert_int_equal(r.wholes, 0);
	net_peer_close(&p);
	assert_int_equal(net_test_teardown(&test), 0);
}

/* slow-upload: it takes many times body_timeout_ms, and is taken since it goes on. */
static void test_a_slow_one_is_waited_for(void **state)
{
	enum { BODY = 12000, STEP = 300 };
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	uint8_t piece[STEP] = { 0 };
	struct receiver r;
	struct net_peer p;
	uint64_t began;

	cfg.body_timeout_ms = 100;
	cfg.progress_bytes = 1;
	net_test_restart(t, &cfg);
	begin(&r, t, &p, "Content-Length: 12000\r\n");
	began = uv_hrtime();
	for (size_t sent = 0; sent < BODY; sent += STEP) {
		const uint64_t until = began + (sent + STEP) * 1000000ull * 600 / BODY;

		net_peer_send(&p, piece, STEP);
		while (uv_hrtime() < until)
			(void)uv_run(&t->loop, UV_RUN_NOWAIT);
	}
	net_peer_wait_text(&p, "12000 came");
	net_peer_close(&p);
}

/* Whatever is wrong with a request, even if its header is not whole, its path has told in what form its client reads. */
static struct refused {
	const char *name, *request, *want;
} refused[] = {
	{ "a header that ends in the middle", "GET /words HTTP/1.1\r\nHos", "{\"status\":408," },
	{ "it has headers of its own", "GET /words HTTP/1.1\r\nHos", "\r\nX-Worded: 1\r\n" },
	{ "the headers it had before are kept",
	    "POST /more HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n",
	    "\r\nX-One: 1\r\nX-Two: 2\r\n" },
	{ "a header that is malformed", "GET /words HTTP/1.1\r\nHost : a\r\n\r\n",
	    "{\"status\":400," },
	{ "a header that is too long", "long", "{\"status\":431," },
	{ "no host", "GET //words/?a HTTP/1.1\r\n\r\n", "{\"status\":400," },
	{ "a version that is not spoken", "GET /words HTTP/3.0\r\n" HOST "\r\n",
	    "{\"status\":505," },
	{ "another path", "GET /other HTTP/1.1\r\n\r\n", "\r\n\r\nthe request has no Host header" },
	{ "no path at all", "GET\r\n\r\n", "\r\n\r\nthe request line has 0 spaces" },
};

static void is_worded(void **state)
{
	const struct refused *row = *state;
	struct http_config cfg = net_test_config;
	char text[10000] = "GET /words HTTP/1.1\r\nX: ";
	struct net_peer p;
	void *test = NULL;

	assert_int_equal(net_test_setup(&test), 0);
	cfg.header_timeout_ms = 100;
	net_test_restart(test, &cfg);
	net_peer_open(&p, test);
	if (strcmp(row->request, "long") == 0)
		memset(text + strlen(text), 'x', sizeof text - 1 - strlen(text));
	net_peer_say(&p, strcmp(row->request, "long") == 0 ? text : row->request);
	net_peer_wait_end(&p);
	if (strstr(net_peer_text(&p), row->want) == NULL)
		fail_msg("no '%s' in '%s'", row->want, net_peer_text(&p));
	net_peer_close(&p);
	assert_int_equal(net_test_teardown(&test), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_test_setup, net_test_teardown)

int main(void)
{
	const struct CMUnitTest more[] = {
		TEST(test_one_of_any_length_is_handed_on),
		TEST(test_a_chunked_one_with_100_continue),
		TEST(test_a_receiver_may_pause),
		TEST(test_one_that_pauses_at_each_piece),
		TEST(test_it_may_be_answered_before_its_end),
		TEST(test_a_slow_one_is_waited_for),
	};
	struct CMUnitTest lost[ARRAY_SIZE(rows)], worded[ARRAY_SIZE(refused)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		lost[i] = (struct CMUnitTest){ rows[i].name, is_lost, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		worded[i] =
		    (struct CMUnitTest){ refused[i].name, is_worded, NULL, NULL, &refused[i] };
	return cmocka_run_group_tests_name("http_receive", more, NULL, NULL) +
	    cmocka_run_group_tests_name("http_receive lost", lost, NULL, NULL) +
	    cmocka_run_group_tests_name("http refused", worded, NULL, NULL);
}
