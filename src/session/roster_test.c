/* Sessions that idle, leave, and take others along while all are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "audio/speech_fake.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "session/roster.h"
#include "session/session_fake.h"

enum { CLIENTS = 5, IDLE_MS = 1000 };

static struct pool_fake pool;
static struct work_fake work;
static struct session_fake *clients[CLIENTS];
static struct roster *roster;
static uint64_t now_ns;

static int setup(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.max = CLIENTS - 1;
	work_fake_init(&work);
	pool_fake_init(&pool, &cfg);
	pool_fake_host_up(&pool);
	roster = roster_new(CLIENTS);
	now_ns = 5 * NS_PER_S;
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = xcalloc(1, sizeof *clients[i]);
		clients[i]->limits = (struct session_limits){ .buffer_ms = 1000,
			.idle_timeout_ms = IDLE_MS,
			.partial_interval_ms = 300,
			.losses_max = 8 };
	}
	return 0;
}

static void leave(struct session_fake *c)
{
	if (c->session == NULL)
		return;
	roster_remove(roster, c->session);
	session_fake_close(c);
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		leave(clients[i]);
	work_fake_run(&work);
	pool_fake_done(&pool);
	for (int i = 0; i < CLIENTS; i++)
		free(clients[i]);
	assert_int_equal(roster_count(roster), 0);
	roster_free(&roster);
	assert_null(roster);
	roster_free(&roster);
	return 0;
}

static void enter_as(int n, const struct session_config *cfg)
{
	assert_true(session_fake_open(clients[n], &pool, &work, cfg));
	roster_add(roster, clients[n]->session);
	pool_fake_born_all(&pool);
	session_fake_forget(clients[n]);
}

static void enter_with(int n, bool wants_idle)
{
	struct session_config cfg = session_fake_config();

	cfg.wants_idle = wants_idle;
	enter_as(n, &cfg);
}

static void enter(int n)
{
	enter_with(n, false);
}

static void enter_all(void)
{
	for (int i = 0; i < CLIENTS; i++)
		enter(i);
}

static void look_after_ms(uint64_t ms)
{
	now_ns += ms * NS_PER_MS;
	roster_look(roster, now_ns);
	turn_run(pool_turn(pool.pool));
}

static void test_limit(void **state)
{
	struct error err;

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(roster_has_room(roster, &err), 0);
		enter(i);
		assert_int_equal(roster_count(roster), i + 1);
	}
	assert_int_equal(roster_has_room(roster, &err), -1);
	assert_int_equal(err.code, ERROR_BUSY);
	assert_string_equal(
	    err.text, "5 sessions are open and no more are allowed (max_sessions 5)");
	leave(clients[2]);
	assert_int_equal(roster_has_room(roster, &err), 0);
}

static void test_idle(void **state)
{
	(void)state;
	enter(0);
	look_after_ms(0);
	look_after_ms(IDLE_MS);
	session_fake_expect(clients[0], "");
	look_after_ms(1);
	session_fake_expect(
	    clients[0], "error 0 fatal timeout: no audio came for idle_timeout_ms 1000\n");
	look_after_ms(IDLE_MS + 1);
	session_fake_expect(clients[0], ""); /* once */
}

static void test_told_idle(void **state)
{
	(void)state;
	enter_with(0, true);
	look_after_ms(0);
	look_after_ms(IDLE_MS + 1);
	session_fake_expect(clients[0], "idle\n");
	look_after_ms(1);
	session_fake_expect(clients[0], "idle\n"); /* for as long as it is */
	(void)session_fake_hear(clients[0], 100);
	look_after_ms(1);
	assert_false(clients[0]->over);
}

static void final_of_all(void)
{
	for (uint64_t id = 1; id <= pool.last_id; id++)
		if (pool.instances[id].open && pool.instances[id].ended)
			pool_fake_final(&pool, id, "text");
}

/* One that speech detection listens to, and that is left in the middle of speech. */
static void enter_speaking(int n)
{
	const struct speech_fake speech = { EAR_RATE_HZ, 4, 1, 0.05, 0.0006 };
	struct session_config cfg = session_fake_config();
	static float samples[3 * EAR_RATE_HZ];
	static int16_t audio[3 * EAR_RATE_HZ];

	cfg.ear.endpoint.endpointing = ENDPOINTING_VAD;
	enter_as(n, &cfg);
	speech_fake_fill(&speech, samples, ARRAY_SIZE(samples));
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		audio[i] = (int16_t)(samples[i] * 32767);
	for (size_t at = 0; at < ARRAY_SIZE(audio); at += EAR_RATE_HZ / 10) {
		(void)session_audio(
		    clients[n]->session, audio + at, EAR_RATE_HZ / 10 * sizeof *audio);
		work_fake_run(&work);
	}
	assert_true(session_is_speaking(clients[n]->session));
}

/* The final may take its time, and no second idle_timeout_ms is added to it. */
static void test_idle_in_an_utterance(void **state)
{
	(void)state;
	enter_speaking(0);
	look_after_ms(0);
	look_after_ms(IDLE_MS + 1);
	work_fake_run(&work);
	look_after_ms(2 * IDLE_MS);
	assert_false(clients[0]->over);
	final_of_all();
	look_after_ms(1);
	assert_true(clients[0]->over);
}

static void test_speech_after_an_idle_utterance(void **state)
{
	(void)state;
	enter_speaking(0);
	look_after_ms(0);
	look_after_ms(IDLE_MS + 1);
	work_fake_run(&work);
	(void)session_audio(clients[0]->session, "", 0);
	final_of_all();
	look_after_ms(1);
	look_after_ms(IDLE_MS - 1);
	assert_false(clients[0]->over);
	look_after_ms(2);
	assert_true(clients[0]->over);
}

static void test_not_idle(void **state)
{
	(void)state;
	enter_all(); /* the last one waits for a place */
	clients[0]->limits.idle_timeout_ms = 0;
	look_after_ms(0);
	(void)session_fake_hear(clients[1], 100); /* an utterance is open */
	(void)session_fake_hear(clients[2], 100);
	session_commit(clients[2]->session); /* its final is awaited */
	work_fake_run(&work);
	look_after_ms(IDLE_MS + 1);
	assert_true(clients[3]->over);
	assert_false(clients[4]->over); /* it has waited, and has a place now */
	look_after_ms(IDLE_MS + 1);
	for (int i = 0; i < 3; i++)
		assert_false(clients[i]->over);
	final_of_all();
	session_fake_forget(clients[1]);
	look_after_ms(IDLE_MS - 1);
	assert_false(clients[2]->over);
	look_after_ms(IDLE_MS + 1);
	assert_true(clients[2]->over);
	assert_false(clients[0]->over);
}

static void test_signs_of_life(void **state)
{
	(void)state;
	enter(0);
	for (int i = 0; i < 10; i++) {
		look_after_ms(IDLE_MS - 1);
		if (i % 2 == 0)
			session_commit(clients[0]->session);
		else
			(void)session_audio(clients[0]->session, "", 0);
		work_fake_run(&work);
	}
	assert_false(clients[0]->over);
}

static void then_leave(struct session_fake *c, enum session_event_kind kind)
{
	if (kind == SESSION_EVENT_ERROR)
		leave(c);
}

static void test_leaving_during_the_walk(void **state)
{
	(void)state;
	enter_all();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i]->then = then_leave;
		clients[i]->then_on = -1;
	}
	look_after_ms(0);
	look_after_ms(IDLE_MS + 1);
	assert_int_equal(roster_count(roster), 1); /* that which waited */
	assert_non_null(clients[CLIENTS - 1]->session);
}

static int leaver[2]; /* who takes whom along */

static void then_take_along(struct session_fake *c, enum session_event_kind kind)
{
	if (kind != SESSION_EVENT_ERROR)
		return;
	if (c == clients[leaver[0]])
		leave(clients[leaver[1]]);
}

static void test_taking_others_along(void **state)
{
	struct error err;

	(void)state;
	(void)error_set(&err, ERROR_BUSY, "enough");
	for (leaver[0] = 0; leaver[0] < CLIENTS; leaver[0]++) {
		for (leaver[1] = 0; leaver[1] < CLIENTS; leaver[1]++) {
			enter_all();
			for (int i = 0; i < CLIENTS; i++) {
				clients[i]->then = then_take_along;
				clients[i]->then_on = -1;
			}
			roster_abort_all(roster, &err);
			for (int i = 0; i < CLIENTS; i++)
				assert_true(clients[i]->over || i == leaver[1]);
			for (int i = 0; i < CLIENTS; i++) {
				leave(clients[i]);
				clients[i]->over = false;
			}
		}
	}
}

static void count(void *arg, const struct session *s)
{
	assert_non_null(s);
	++*(int *)arg;
}

static void test_each(void **state)
{
	int n = 0;

	(void)state;
	roster_each(roster, count, &n);
	assert_int_equal(n, 0);
	enter_all();
	roster_each(roster, count, &n);
	assert_int_equal(n, CLIENTS);
	assert_string_equal(session_pool_name(clients[0]->session), "en");
	assert_string_equal(session_state_name(session_state(clients[0]->session)), "ready");
	assert_string_equal(
	    session_state_name(session_state(clients[CLIENTS - 1]->session)), "queued");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "there is room up to max_sessions", test_limit, setup, teardown, NULL },
		{ "who says nothing for idle_timeout_ms is ended", test_idle, setup, teardown,
		    NULL },
		{ "who wants to know is told so instead", test_told_idle, setup, teardown, NULL },
		{ "one that is idle in an utterance is ended by its final",
		    test_idle_in_an_utterance, setup, teardown, NULL },
		{ "who speaks again after that is not", test_speech_after_an_idle_utterance, setup,
		    teardown, NULL },
		{ "who waits, speaks or awaits a final is not idle", test_not_idle, setup, teardown,
		    NULL },
		{ "audio and commits are signs of life", test_signs_of_life, setup, teardown,
		    NULL },
		{ "sessions leave during the walk", test_leaving_during_the_walk, setup, teardown,
		    NULL },
		{ "sessions take others along during the walk", test_taking_others_along, setup,
		    teardown, NULL },
		{ "each is seen once", test_each, setup, teardown, NULL },
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
