#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/metric.h"
#include "base/util.h"
#include "net/net_test_util.h"

enum { TEXT = 0x81, BINARY = 0x82, CLOSE = 0x88, PING = 0x89, PONG = 0x8a };

static void expect_frame(struct net_peer *p, uint8_t first, const void *bytes, size_t n)
{
	uint8_t *got = malloc(n + 1);
	size_t got_n;

	assert_non_null(got);
	assert_int_equal(net_peer_take_frame(p, got, n + 1, &got_n), first);
	assert_int_equal(got_n, n);
	assert_memory_equal(got, bytes, n);
	free(got);
}

static void turn(struct net_test *t, int times)
{
	while (times-- > 0)
		(void)uv_run(&t->loop, UV_RUN_NOWAIT);
}

#define HANDSHAKE                                                                                  \
	"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"            \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void test_handshake(void **state)
{
	struct net_peer p;

	net_peer_open(&p, *state);
	net_peer_say(&p, HANDSHAKE "Sec-WebSocket-Protocol: realtime\r\n\r\n");
	net_peer_wait_text(&p, "\r\n\r\n");
	assert_string_equal(net_peer_text(&p),
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	    "Sec-WebSocket-Protocol: realtime\r\n\r\n");
	net_peer_close(&p);
}

static void test_malformed_handshake_is_refused_with_words(void **state)
{
	struct net_peer p;

	net_peer_open(&p, *state);
	net_peer_say(
	    &p, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	net_peer_wait_text(&p, "13 is");
	assert_non_null(strstr(net_peer_text(&p), "HTTP/1.1 400 Bad Request"));
	net_peer_say(
	    &p, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
	net_peer_wait_text(&p, "no wish"); /* the connection went on */
	net_peer_close(&p);
}

static void test_echoes_and_closes(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	net_peer_frame(&p, TEXT, "h\xc3\xa9llo", 6);
	expect_frame(&p, TEXT, "h\xc3\xa9llo", 6);
	net_peer_frame(&p, BINARY, "\0\xff", 2);
	expect_frame(&p, BINARY, "\0\xff", 2);
	net_peer_frame(&p, TEXT, "", 0);
	expect_frame(&p, TEXT, "", 0);
	net_peer_frame(&p, TEXT, "goodbye", 7);
	assert_int_equal(net_peer_take_close(&p), 4321);
	assert_int_equal(t->closed, 0); /* the peer's close frame is awaited */
	net_peer_frame(&p, TEXT, "not heard any more", 18);
	net_peer_frame(&p, CLOSE, "\x03\xe8", 2);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->messages, 4);
	assert_int_equal(t->close_code, 4321);
	assert_string_equal(t->why, "as you wish");
	net_peer_wait_end(&p);
	assert_false(p.reset);
	net_peer_close(&p);
}

static void test_messages_of_all_sizes(void **state)
{
	static const size_t sizes[] = { 1, 125, 126, 127, 4082, 4088, 4090, 4096, 4097, 65535,
		65536, 200000 };
	static uint8_t bytes[200000];
	struct net_peer p;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	net_peer_open_ws(&p, *state);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		net_peer_frame(&p, BINARY, bytes, sizes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		expect_frame(&p, BINARY, bytes, sizes[i]);
	net_peer_close(&p);
}

static void test_many_small_messages(void **state)
{
	enum { MANY = 3000, SIZE = 640 };
	uint8_t bytes[SIZE];
	struct net_peer p;

	net_peer_open_ws(&p, *state);
	for (int i = 0; i < MANY; i++) {
		memset(bytes, i, sizeof bytes);
		net_peer_frame(&p, BINARY, bytes, sizeof bytes);
	}
	for (int i = 0; i < MANY; i++) {
		memset(bytes, i, sizeof bytes);
		expect_frame(&p, BINARY, bytes, sizeof bytes);
	}
	net_peer_close(&p);
}

/* In one packet with the handshake, then the rest: nothing is lost or changes its place. */
static void test_bytes_glued_to_the_handshake(void **state)
{
	static const char frame[] = "\x81\x83\0\0\0\0one\x81\x83\0\0\0\0t";
	char text[sizeof HANDSHAKE + 2 + sizeof frame] = HANDSHAKE "\r\n";
	size_t n = strlen(text);
	struct net_test *t = *state;
	struct net_peer p;

	memcpy(text + n, frame, sizeof frame - 1);
	net_peer_open(&p, t);
	net_peer_send(&p, text, n + sizeof frame - 1);
	net_peer_send(&p, "wo", 2);
	net_peer_wait_text(&p, "\r\n\r\n\x81\x03one\x81\x03two");
	net_peer_close(&p);
}

/* The upgrade is asked for behind another request on the same connection. */
static void test_upgrade_behind_another_request(void **state)
{
	struct net_peer p;

	net_peer_open(&p, *state);
	net_peer_say(&p, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n" HANDSHAKE "\r\n\x81\x82");
	net_peer_send(&p, "\0\0\0\0hi", 6);
	net_peer_wait_text(&p, "\x81\x02hi");
	assert_non_null(strstr(net_peer_text(&p), "GET /x"));
	net_peer_close(&p);
}

static void test_byte_by_byte_is_the_same(void **state)
{
	static const char frames[] =
	    "\x01\x83\1\2\3\4\x60\x60\x60\x89\x81\0\0\0\0p\x80\x81\0\0\0\0d"
	    "\x82\xfe\0\x7e\0\0\0\0";
	uint8_t zeros[126] = { 0 };
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	for (size_t i = 0; i < sizeof frames - 1; i++) {
		net_peer_send(&p, frames + i, 1);
		turn(t, 1);
	}
	for (size_t i = 0; i < sizeof zeros; i++) {
		net_peer_send(&p, zeros + i, 1);
		turn(t, 1);
	}
	expect_frame(&p, PONG, "p", 1);
	expect_frame(&p, TEXT, "abcd", 4);
	expect_frame(&p, BINARY, zeros, sizeof zeros);
	net_peer_close(&p);
}

static void test_fragments_are_put_together(void **state)
{
	static uint8_t big[30000];
	struct net_peer p;

	memset(big, 'x', sizeof big);
	net_peer_open_ws(&p, *state);
	net_peer_frame(&p, 0x01, "\xe2\x82", 2); /* the euro sign, cut */
	net_peer_frame(&p, PING, "now", 3);
	expect_frame(&p, PONG, "now", 3);
	net_peer_frame(&p, 0x00, "", 0);
	net_peer_frame(&p, 0x80, "\xac", 1);
	expect_frame(&p, TEXT, "\xe2\x82\xac", 3);
	net_peer_frame(&p, 0x02, "", 0);
	net_peer_frame(&p, 0x80, "", 0);
	expect_frame(&p, BINARY, "", 0);
	net_peer_frame(&p, 0x02, big, 10000);
	net_peer_frame(&p, 0x00, big, 10000);
	net_peer_frame(&p, 0x80, big, 10000);
	expect_frame(&p, BINARY, big, sizeof big);
	net_peer_close(&p);
}

/* Sends raw bytes and expects to be closed with a code, in order. */
struct violation {
	const char *name;
	const char *bytes;
	size_t n;
	unsigned code;
	const char *why;
};

#define BYTES(s) s, sizeof(s) - 1

static struct violation violations[] = {
	{ "a frame that is not masked", BYTES("\x81\x02hi"), 1002, "not masked" },
	{ "a frame with RSV1", BYTES("\xc1\x81\0\0\0\0a"), 1002, "reserved bits" },
	{ "a frame with RSV3", BYTES("\x91\x81\0\0\0\0a"), 1002, "reserved bits" },
	{ "an unknown data frame", BYTES("\x83\x81\0\0\0\0a"), 1002, "unknown kind 3" },
	{ "an unknown control frame", BYTES("\x8b\x81\0\0\0\0a"), 1002, "unknown kind 11" },
	{ "a continuation of nothing", BYTES("\x80\x81\0\0\0\0a"), 1002, "without a message" },
	{ "a message inside a message", BYTES("\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b"), 1002,
	    "before the end" },
	{ "a fragmented ping", BYTES("\x09\x81\0\0\0\0a"), 1002, "malformed" },
	{ "a ping over 125 bytes", BYTES("\x89\xfe\0\x7e\0\0\0\0a"), 1002, "malformed" },
	{ "a length in more bytes than it needs", BYTES("\x82\xfe\0\x05\0\0\0\0abcde"), 1002,
	    "malformed" },
	{ "a length with its top bit", BYTES("\x82\xff\x80\0\0\0\0\0\0\1\0\0\0\0a"), 1002,
	    "malformed" },
	{ "a close frame of one byte", BYTES("\x88\x81\0\0\0\0a"), 1002, "invalid code" },
	{ "a close frame with 1005", BYTES("\x88\x82\0\0\0\0\x03\xed"), 1002, "invalid code" },
	{ "a close frame with 999", BYTES("\x88\x82\0\0\0\0\x03\xe7"), 1002, "invalid code" },
	{ "a close frame with 1016", BYTES("\x88\x82\0\0\0\0\x03\xf8"), 1002, "invalid code" },
	{ "a close frame whose reason is not UTF-8", BYTES("\x88\x83\0\0\0\0\x03\xe8\xff"), 1007,
	    "not UTF-8" },
	{ "a text that is not UTF-8", BYTES("\x81\x81\0\0\0\0\xff"), 1007, "not UTF-8" },
	{ "a text that is not UTF-8 in its first fragment", BYTES("\x01\x82\0\0\0\0\xc3\x28"), 1007,
	    "not UTF-8" },
	{ "a text that ends inside a character", BYTES("\x81\x82\0\0\0\0\xe2\x82"), 1007,
	    "inside a character" },
	{ "a message of 100 MB, at its start", BYTES("\x82\xff\0\0\0\0\x06\x40\0\0\0\0\0\0a"), 1009,
	    "message of 104857600 bytes is over max_message_bytes 200000" },
	{ "a message one byte too long", BYTES("\x82\xff\0\0\0\0\0\x03\x0d\x41\0\0\0\0a"), 1009,
	    "200001 bytes" },
	{ "a message too long in two frames",
	    BYTES("\x02\x81\0\0\0\0a\x80\xff\0\0\0\0\0\x03\x0d\x40\0\0\0\0b"), 1009,
	    "message of 200001 bytes" },
};

/* Some clients do not mask; a listener may be told to bear with them. */
static void test_unmasked_frames_are_taken_where_they_are_allowed(void **state)
{
	static const char frames[] = "\x81\x02hi\x81\x00\x02\x01"
				     "a\x89\x01p\x80\x01z";
	const struct http_listener_config cfg = { .address = "127.0.0.1:0",
		.allow_unmasked = true };
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_at(&p, t, net_test_listen(t, &cfg));
	net_peer_say(&p, HANDSHAKE "\r\n");
	net_peer_wait_text(&p, "\r\n\r\n");
	net_peer_forget(&p);
	net_peer_send(&p, frames, sizeof frames - 1);
	expect_frame(&p, TEXT, "hi", 2);
	expect_frame(&p, TEXT, "", 0);
	expect_frame(&p, 0x8a, "p", 1);
	expect_frame(&p, BINARY, "az", 2);
	net_peer_frame(&p, TEXT, "masked", 6);
	expect_frame(&p, TEXT, "masked", 6);
	net_peer_send(&p, "\x88\x02\x03\xe8", 4);
	assert_int_equal(net_peer_take_close(&p), 1000);
	net_test_wait_count(t, &t->closed, 1);
	net_peer_close(&p);
}

static struct net_test violation_test;

static void test_violation(void **state)
{
	const struct violation *v = *state;
	struct net_test *t = &violation_test;
	struct net_peer p;

	net_test_start(t, NULL);
	net_peer_open_ws(&p, t);
	net_peer_send(&p, v->bytes, v->n);
	for (int i = 0; i < 50; i++)
		net_peer_send(&p, violations,
		    sizeof violations); /* unread bytes must not destroy the answer */
	assert_int_equal(net_peer_take_close(&p), v->code);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, v->code);
	if (strstr(t->why, v->why) == NULL)
		fail_msg("no '%s' in '%s'", v->why, t->why);
	net_peer_wait_end(&p);
	assert_false(p.reset);
	assert_int_equal(p.got.len, 0);
	assert_int_equal(t->messages, 0);
	net_peer_close(&p);
	net_test_stop(t);
}

static void expect_close_answer(struct net_test *t, const char *payload, size_t n, unsigned code)
{
	struct net_peer p;
	uint8_t got[125];
	size_t got_n;

	t->closed = 0;
	net_peer_open_ws(&p, t);
	net_peer_frame(&p, CLOSE, payload, n);
	assert_int_equal(net_peer_take_frame(&p, got, sizeof got, &got_n), CLOSE);
	assert_int_equal(got_n, n < 2 ? n : 2);
	assert_memory_equal(got, payload, got_n);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, code);
	net_peer_wait_end(&p);
	net_peer_close(&p);
}

static void test_close_codes_are_echoed(void **state)
{
	struct net_test *t = *state;

	expect_close_answer(t, "", 0, WS_CLOSE_NONE);
	assert_string_equal(t->why, "");
	expect_close_answer(t,
	    "\x03\xe8"
	    "bye",
	    5, 1000);
	assert_string_equal(t->why, "bye");
	expect_close_answer(t, "\x03\xf4", 2, 1012);
	expect_close_answer(t, "\x0b\xb8", 2, 3000);
	expect_close_answer(t, "\x13\x87", 2, 4999);
}

static void test_a_lost_connection_is_1006(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	net_peer_close(&p);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, WS_CLOSE_ABNORMAL);
	assert_string_equal(t->why, "the connection was lost without a close frame: end of file");
	net_peer_open_ws(&p, t);
	net_peer_break(&p);
	net_test_wait_count(t, &t->closed, 2);
	assert_int_equal(t->close_code, WS_CLOSE_ABNORMAL);
}

static void test_a_close_that_is_not_answered(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	char reason[200];
	uint8_t got[125];
	size_t n;
	struct net_peer p;

	cfg.linger_timeout_ms = 20;
	net_test_restart(t, &cfg);
	net_peer_open_ws(&p, t);
	memset(reason, 'r', sizeof reason);
	memcpy(reason + 122, "\xe2\x82\xac", 3); /* the cut at 123 would be in the middle of it */
	reason[sizeof reason - 1] = '\0';
	ws_close(t->ws, 1013, reason);
	ws_close(t->ws, 1000, "a second time has no effect");
	assert_int_equal(ws_send_text(t->ws, "nor this", 8), -1);
	assert_int_equal(net_peer_take_frame(&p, got, sizeof got, &n), CLOSE);
	assert_int_equal(n, 2 + 122);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, 1013);
	net_peer_wait_end(&p);
	net_peer_close(&p);
}

static void test_a_reader_that_does_not_read_is_closed(void **state)
{
	static const uint8_t bytes[50000];
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p;
	unsigned sent = 0;

	cfg.linger_timeout_ms = 20;
	net_test_restart(t, &cfg);
	net_peer_open_ws(&p, t);
	net_peer_stop_reading(&p);
	while (ws_send_binary(t->ws, bytes, sizeof bytes) == 0) {
		assert_true(ws_unsent_bytes(t->ws) <= cfg.send_buffer_bytes);
		sent++;
		turn(t, 1);
	}
	assert_true(sent >= cfg.send_buffer_bytes / sizeof bytes);
	assert_int_equal(t->closed, 0); /* not from inside */
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, WS_CLOSE_POLICY);
	assert_non_null(strstr(t->why, "over send_buffer_bytes 1000000"));
	net_peer_close(&p);
}

/* What is sent is far below send_buffer_bytes: most of it is in the kernel. */
static void test_a_reader_that_takes_nothing_is_dropped(void **state)
{
	static const uint8_t bytes[1000];
	uint64_t slow = metric_get(METRIC_connections_slow_total);
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p;

	cfg.send_timeout_ms = 100;
	net_test_restart(t, &cfg);
	net_peer_open_ws(&p, t);
	net_peer_stop_reading(&p);
	while (t->ws != NULL) { /* partials and pongs would go on, as long as there is room */
		if (ws_unsent_bytes(t->ws) < cfg.send_buffer_bytes / 2)
			(void)ws_send_binary(t->ws, bytes, sizeof bytes);
		turn(t, 1);
	}
	assert_int_equal(t->close_code, WS_CLOSE_ABNORMAL);
	assert_string_equal(t->why, "nothing of what was sent was taken for send_timeout_ms 100");
	assert_int_equal(metric_get(METRIC_connections_slow_total) - slow, 1);
	net_peer_close(&p);
}

static bool is_dropped(void *arg)
{
	const uint64_t *before = arg;

	return metric_get(METRIC_connections_slow_total) > *before;
}

/* Another one, that takes nothing of a big answer until it is dropped: so long was the first quiet. */
static void wait_for_the_drop_of_another(struct net_test *t)
{
	uint64_t slow = metric_get(METRIC_connections_slow_total);
	struct net_peer deaf;

	net_peer_open(&deaf, t);
	net_peer_stop_reading(&deaf);
	net_peer_say(&deaf, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	net_test_wait(t, is_dropped, &slow);
	net_peer_close(&deaf);
}

static void test_a_quiet_reader_is_not_dropped(void **state)
{
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p;

	cfg.send_timeout_ms = 20;
	net_test_restart(t, &cfg);
	net_peer_open_ws(&p, t);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ws_send_text(t->ws, "hello", 5), 0);
		expect_frame(&p, TEXT, "hello", 5);
		wait_for_the_drop_of_another(t);
	}
	assert_int_equal(t->closed, 0);
	net_peer_close(&p);
	net_test_wait_count(t, &t->closed, 1);
}

/* It is told why, behind everything that was sent before. */
static void test_a_reader_that_wakes_up_gets_all_and_the_1008(void **state)
{
	static uint8_t bytes[50000];
	struct net_test *t = *state;
	struct net_peer p;
	unsigned sent = 0;

	net_peer_open_ws(&p, t);
	net_peer_stop_reading(&p);
	while (ws_send_binary(t->ws, bytes, sizeof bytes) == 0) {
		sent++;
		turn(t, 1);
	}
	net_peer_read(&p);
	while (sent-- > 0)
		expect_frame(&p, BINARY, bytes, sizeof bytes);
	assert_int_equal(net_peer_take_close(&p), 1008);
	net_peer_close(&p);
	net_test_wait_count(t, &t->closed, 1);
}

/* Its pongs would pile up. */
static void test_pings_from_one_that_does_not_read(void **state)
{
	enum { MESSAGE = 1000 };
	static const uint8_t bytes[MESSAGE];
	struct http_config cfg = net_test_config;
	struct net_test *t = *state;
	struct net_peer p;

	cfg.linger_timeout_ms = 20;
	net_test_restart(t, &cfg);
	net_peer_open_ws(&p, t);
	net_peer_stop_reading(&p);
	do {
		while (ws_unsent_bytes(t->ws) + MESSAGE + 14 <= cfg.send_buffer_bytes)
			assert_int_equal(ws_send_binary(t->ws, bytes, MESSAGE), 0);
		turn(t, 5);
	} while (ws_unsent_bytes(t->ws) + MESSAGE + 14 <= cfg.send_buffer_bytes);
	for (int i = 0; i < 10; i++)
		net_peer_frame(&p, PING, bytes, 125);
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, WS_CLOSE_POLICY);
	net_peer_close(&p);
}

static void test_pause_stops_reading_and_resume_goes_on(void **state)
{
	static uint8_t bytes[100000];
	struct net_test *t = *state;
	unsigned before, sent = 0;
	ssize_t n = 0;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	t->mute = true;
	ws_pause(t->ws);
	ws_pause(t->ws);
	/* frames of zeros until TCP takes no more: the sender has been slowed */
	while (n >= 0) {
		static const uint8_t head[14] = { 0x82, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa0 };

		net_peer_send(&p, head, sizeof head);
		for (size_t at = 0; at < sizeof bytes && n >= 0; at += (size_t)MAX(n, 0))
			n = net_peer_try_send(&p, bytes + at, sizeof bytes - at);
		sent += n >= 0;
		turn(t, 1);
	}
	assert_true(sent > 1);
	before = t->messages;
	turn(t, 20);
	assert_int_equal(t->messages, before);
	assert_int_equal(before, 0);
	ws_resume(t->ws);
	net_test_wait_count(t, &t->messages, sent);
	assert_int_equal(t->last_n, sizeof bytes);
	net_peer_close(&p);
	net_test_wait_count(t, &t->closed, 1);
}

static void test_pause_holds_glued_bytes_too(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open(&p, t);
	t->pause_at_once = true;
	net_peer_send(&p, BYTES(HANDSHAKE "\r\n\x81\x82\0\0\0\0hi"));
	net_peer_wait_text(&p, "\r\n\r\n");
	turn(t, 20);
	assert_int_equal(t->messages, 0);
	ws_resume(t->ws);
	net_peer_wait_text(&p, "\x81\x02hi");
	net_peer_frame(&p, TEXT, "on", 2);
	net_peer_wait_text(&p, "\x81\x02on");
	net_peer_close(&p);
}

/* Whole frames, one that is cut, and one over all that the library keeps. */
static void test_pause_inside_a_message_holds_those_behind_it(void **state)
{
	enum { MANY = 70000 };
	static uint8_t bytes[7 + 7 + 14 + MANY] = "\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b"
						  "\x82\xff\0\0\0\0\0\1\x11\x70";
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	t->mute = t->pause_on_message = true;
	net_peer_send(&p, bytes, sizeof bytes);
	net_test_wait_count(t, &t->messages, 1);
	turn(t, 20);
	assert_int_equal(t->messages, 1);
	ws_resume(t->ws);
	turn(t, 20);
	assert_int_equal(t->messages, 2);
	ws_resume(t->ws);
	while (t->messages < 3)
		turn(t, 1);
	assert_int_equal(t->last_n, MANY);
	ws_resume(t->ws);
	t->mute = false;
	net_peer_frame(&p, TEXT, "on", 2);
	expect_frame(&p, TEXT, "on", 2);
	ws_close(t->ws, 1000, "");
	net_peer_close(&p);
	net_test_wait_count(t, &t->closed, 1);
}

static void test_a_message_can_be_taken_over(void **state)
{
	static uint8_t bytes[100000];
	struct net_test *t = *state;
	struct buffer taken;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	t->taker = &taken;
	for (size_t n = sizeof bytes; n > 0; n /= 60) {
		memset(bytes, (int)n, n);
		net_peer_frame(&p, BINARY, bytes, n);
		expect_frame(&p, BINARY, bytes, n);
		net_peer_frame(&p, PING, "", 0);
		expect_frame(&p, PONG, "", 0);
		assert_int_equal(taken.len, n);
		assert_memory_equal(buffer_head(&taken), bytes, n);
		buffer_done(&taken);
	}
	net_peer_close(&p);
}

static void test_close_while_paused_hears_the_peers_close(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	ws_pause(t->ws);
	net_peer_frame(&p, CLOSE, "\x03\xe8", 2);
	turn(t, 10);
	assert_int_equal(t->closed, 0);
	ws_close(t->ws, 1001, "");
	net_test_wait_count(t, &t->closed, 1);
	assert_int_equal(t->close_code, 1001);
	net_peer_close(&p);
}

static void test_hears_pongs(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;
	uint64_t before;

	net_peer_open_ws(&p, t);
	before = ws_last_heard_ns(t->ws);
	assert_int_equal(ws_ping(t->ws), 0);
	expect_frame(&p, PING, "", 0);
	net_peer_frame(&p, PONG, "", 0);
	net_peer_frame(&p, PING, "", 0);
	expect_frame(&p, PONG, "", 0);
	assert_true(ws_last_heard_ns(t->ws) > before);
	net_peer_close(&p);
}

static void test_no_descriptor_is_lost(void **state)
{
	struct net_test *t = *state;
	unsigned before = net_test_descriptors();
	struct net_peer p;

	for (unsigned i = 0; i < 70; i++) {
		net_peer_open_ws(&p, t);
		if (i % 7 == 1)
			net_peer_frame(&p, TEXT, "goodbye", 7);
		if (i % 7 == 2)
			net_peer_frame(&p, CLOSE, "", 0);
		if (i % 7 == 3)
			net_peer_say(&p, "\x81\x02hi");
		if (i % 7 == 4)
			net_peer_shut(&p);
		if (i % 7 == 5)
			net_peer_frame(&p, 0x01, "half", 4);
		if (i % 3 == 0)
			turn(t, 2);
		if (i % 2 == 0)
			net_peer_break(&p);
		else
			net_peer_close(&p);
	}
	net_test_wait_count(t, &t->closed, 70);
	net_test_wait_idle(t);
	assert_int_equal(net_test_descriptors(), before);
}

static void test_freeing_the_server_closes_websockets(void **state)
{
	struct net_test *t = *state;
	struct net_peer a, b;

	net_peer_open_ws(&a, t);
	net_peer_open_ws(&b, t);
	net_peer_frame(&b, 0x01, "half", 4);
	turn(t, 5);
	net_test_free_server(t);
	assert_int_equal(t->closed, 2);
	assert_int_equal(t->close_code, WS_CLOSE_ABNORMAL);
	net_peer_wait_end(&a);
	net_peer_wait_end(&b);
	net_peer_close(&a);
	net_peer_close(&b);
}

static void test_freeing_the_server_from_inside_a_message(void **state)
{
	struct net_test *t = *state;
	struct net_peer p;

	net_peer_open_ws(&p, t);
	t->free_on_message = true;
	net_peer_send(&p, BYTES("\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0ho"));
	net_peer_wait_end(&p);
	assert_int_equal(t->closed, 1);
	assert_int_equal(t->messages, 1);
	net_peer_close(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, net_test_setup, net_test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_handshake),
		TEST(test_malformed_handshake_is_refused_with_words),
		TEST(test_echoes_and_closes),
		TEST(test_unmasked_frames_are_taken_where_they_are_allowed),
		TEST(test_messages_of_all_sizes),
		TEST(test_many_small_messages),
		TEST(test_bytes_glued_to_the_handshake),
		TEST(test_upgrade_behind_another_request),
		TEST(test_byte_by_byte_is_the_same),
		TEST(test_fragments_are_put_together),
		TEST(test_close_codes_are_echoed),
		TEST(test_a_lost_connection_is_1006),
		TEST(test_a_close_that_is_not_answered),
		TEST(test_a_reader_that_does_not_read_is_closed),
		TEST(test_a_reader_that_takes_nothing_is_dropped),
		TEST(test_a_quiet_reader_is_not_dropped),
		TEST(test_a_reader_that_wakes_up_gets_all_and_the_1008),
		TEST(test_pings_from_one_that_does_not_read),
		TEST(test_pause_stops_reading_and_resume_goes_on),
		TEST(test_pause_holds_glued_bytes_too),
		TEST(test_pause_inside_a_message_holds_those_behind_it),
		TEST(test_a_message_can_be_taken_over),
		TEST(test_close_while_paused_hears_the_peers_close),
		TEST(test_hears_pongs),
		TEST(test_no_descriptor_is_lost),
		TEST(test_freeing_the_server_closes_websockets),
		TEST(test_freeing_the_server_from_inside_a_message),
	};
#undef TEST
	struct CMUnitTest rows[ARRAY_SIZE(violations)];

	for (size_t i = 0; i < ARRAY_SIZE(violations); i++)
		rows[i] = (struct CMUnitTest){ violations[i].name, test_violation, NULL, NULL,
			&violations[i] };
	return cmocka_run_group_tests_name("websocket", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("websocket is closed on", rows, NULL, NULL);
}
