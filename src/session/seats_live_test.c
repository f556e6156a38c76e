/* A session with two seats, each in a pool with a host and instances that are real processes: one engine streams and brings
 * the partials, the other one decodes whole and brings the finals. Instances are killed in every state of an attempt; there is
 * one final, and it is the one that comes when nothing happens. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "base/turn.h"
#include "base/util.h"
#include "pool/crew.h"
#include "pool/host_config.h"
#include "session/session_internal.h"

enum { QUICK, SLOW, POOLS, SPEECH_MS = 1400, DEADLINE_MS = 30000, TEXT_MAX = 1024 };

/* The same sounds are other words to another model. */
static const struct kind {
	const char *name, *engine;
	const char *params[8];
} kinds[POOLS] = {
	[QUICK] = { "quick", "fake", { "model=quick", "end_ms=300", NULL } },
	[SLOW] = { "slow", "fake_whole", { "model=slow", "decode_ms=400", NULL } },
};

static uv_loop_t loop;
static uv_prepare_t turn_end;
static uv_timer_t deadline;
static struct turn turn;
static struct crew *crews[POOLS];
static struct work *work;
static struct session_limits limits = {
	.buffer_ms = 5000, .partial_interval_ms = 300, .losses_max = 8
};

static struct session *session;
static unsigned finals, partials, errors, recovered;
static bool ready, ended;
static char text[TEXT_MAX], partial[TEXT_MAX];

/* The loop. */

static void on_turn_end(uv_prepare_t *handle)
{
	(void)handle;
	turn_run(&turn);
}

static void on_deadline(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("waited %d ms in vain", DEADLINE_MS);
}

static void wait_until(bool (*is_so)(void))
{
	(void)uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
	while (!is_so())
		(void)uv_run(&loop, UV_RUN_ONCE);
	(void)uv_timer_stop(&deadline);
}

static bool pools_are_ready(void)
{
	for (unsigned i = 0; i < POOLS; i++)
		if (pool_state(crew_pool(crews[i])) != POOL_READY)
			return false;
	return true;
}

static void start_crew(unsigned i)
{
	const struct pool_config pool = { .max = 1,
		.spare = 1,
		.queue_max = 4,
		.queue_timeout_ms = DEADLINE_MS,
		.start_timeout_ms = 10000,
		.begin_timeout_ms = 10000,
		.final_timeout_ms = 10000,
		.slowest_factor = 20 };
	const struct host_config host = { .program = getenv("STENOPOOL_HOST"),
		.name = kinds[i].name,
		.engine = kinds[i].engine,
		.params = (char *const *)(uintptr_t)kinds[i].params,
		.start_timeout_ms = 10000,
		.answer_timeout_ms = 10000,
		.kill_timeout_ms = 10000,
		.backoff_min_ms = 10,
		.backoff_max_ms = 10 };

	crews[i] = crew_new(&loop, &turn, kinds[i].name, &pool, &host);
	crew_start(crews[i]);
}

static int start(void **state)
{
	(void)state;
	assert_non_null(getenv("STENOPOOL_HOST"));
	(void)uv_loop_init(&loop);
	(void)uv_prepare_init(&loop, &turn_end);
	(void)uv_prepare_start(&turn_end, on_turn_end);
	(void)uv_timer_init(&loop, &deadline);
	work = work_uv_new(&loop, 1, 2);
	for (unsigned i = 0; i < POOLS; i++)
		start_crew(i);
	wait_until(pools_are_ready);
	return 0;
}

static unsigned crews_gone;

static void on_crew_gone(void *arg)
{
	(void)arg;
	crews_gone++;
}

static bool all_gone(void)
{
	return crews_gone == POOLS;
}

static int stop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < POOLS; i++)
		crew_free(&crews[i], on_crew_gone, NULL);
	wait_until(all_gone);
	work_uv_free(&work);
	uv_close((uv_handle_t *)&turn_end, NULL);
	uv_close((uv_handle_t *)&deadline, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

/* The client. */

static void keep(char *to, const char *bytes, size_t n)
{
	assert_true(n < TEXT_MAX);
	memcpy(to, bytes, n);
	to[n] = '\0';
}

static void on_event(void *arg, const struct session_event *e)
{
	(void)arg;
	ready = ready || e->kind == SESSION_EVENT_READY;
	ended = ended || e->kind == SESSION_EVENT_ENDED;
	errors += e->kind == SESSION_EVENT_ERROR;
	recovered += e->kind == SESSION_EVENT_RECOVERED;
	if (e->kind == SESSION_EVENT_PARTIAL) {
		partials++;
		keep(partial, e->partial.text, e->partial.text_bytes);
	}
	if (e->kind == SESSION_EVENT_FINAL) {
		finals++;
		assert_null(e->final.incomplete);
		keep(text, e->final.text, e->final.text_bytes);
	}
}

static void on_drain(void *arg)
{
	(void)arg;
}

static bool is_ready(void)
{
	return ready;
}

static bool is_ended(void)
{
	return ended || errors > 0;
}

static void open_session(void)
{
	static const struct session_events events = { .on_event = on_event, .on_drain = on_drain };
	const struct pool_finals finals_of_slow = {
		.pools = { crew_pool(crews[SLOW]) }, .n = 1, .wait_ms = DEADLINE_MS
	};
	struct session_config cfg = { .ear = { .format = { ENCODING_S16LE, EAR_RATE_HZ, 1 },
					  .endpoint = ENDPOINT_CONFIG_DEFAULT },
		.finals = &finals_of_slow,
		.priority = PRIORITY_NORMAL,
		.partials = true };
	struct error err;

	cfg.ear.endpoint.endpointing = ENDPOINTING_MANUAL;
	finals = partials = errors = recovered = 0;
	ready = ended = false;
	text[0] = partial[0] = '\0';
	session = session_new(crew_pool(crews[QUICK]), work, &limits, &cfg, &err, NULL);
	assert_non_null(session);
	session_start(session, &events, NULL);
	wait_until(is_ready);
}

/* Always the same sound. */
static void speak(void)
{
	enum { SAMPLES = SPEECH_MS * EAR_RATE_HZ / 1000 };
	int16_t *samples = xcalloc(SAMPLES, sizeof *samples);

	for (unsigned i = 0; i < SAMPLES; i++)
		samples[i] = (int16_t)(i * 40503u + i / 3200 * 977);
	(void)session_audio(session, samples, SAMPLES * sizeof *samples);
	free(samples);
}

/* States. */

static enum attempt_state states_wanted[POOLS];

static bool is_in_state(void)
{
	for (unsigned i = 0; i < POOLS; i++)
		if (states_wanted[i] != ATTEMPT_NONE &&
		    lease_attempt(session->seats[i].lease) != states_wanted[i])
			return false;
	return true;
}

/* What the lease has now is not what was killed. */
static uint64_t killed_of[POOLS];

static bool others_are_there(void)
{
	for (unsigned i = 0; i < POOLS; i++)
		if (states_wanted[i] != ATTEMPT_NONE &&
		    lease_instance(session->seats[i].lease) == killed_of[i])
			return false;
	return is_in_state();
}

static void kill_one(unsigned *killed, const struct instance_view *v)
{
	++*killed;
	(void)kill(v->pid, SIGKILL);
}

static void kill_hearer(void *arg, const struct instance_view *v)
{
	if (v->session == session_id(session) && v->pid > 0)
		kill_one(arg, v);
}

static void kill_idle(void *arg, const struct instance_view *v)
{
	if (v->state == INSTANCE_IDLE)
		kill_one(arg, v);
}

/* Places are lent there by the utterance: before it is asked for, the one that would hear it is nobody's. */
static void kill_next_of_finals(void)
{
	unsigned killed = 0;

	pool_each_instance(crew_pool(crews[SLOW]), kill_idle, &killed);
	assert_int_equal(killed, 1);
}

/* What is leased goes, and with it the attempt that it is at. */
static void kill_in(unsigned seat)
{
	unsigned killed = 0;

	pool_each_instance(crew_pool(crews[seat]), kill_hearer, &killed);
	assert_int_equal(killed, 1);
	killed_of[seat] = lease_instance(session->seats[seat].lease);
}

static uint64_t lost_in(unsigned seat)
{
	return pool_counts(crew_pool(crews[seat]))->lost;
}

struct row {
	const char *name;
	/* In which state of each seat's attempt its instance is killed; WAITING: before it is asked for. NONE: it is not. */
	enum attempt_state quick, slow;
	bool twice; /* and so is the next one */
};

static const struct row rows[] = {
	{ "nothing happens", .twice = false },
	{ "the partials' is killed before it begins", .quick = ATTEMPT_WAITING },
	{ "the partials' is killed when it has begun", .quick = ATTEMPT_BEGUN },
	{ "the partials' is killed at its end", .quick = ATTEMPT_ENDED },
	{ "the final's is killed before it begins", .slow = ATTEMPT_WAITING },
	{ "the final's is killed when it has begun", .slow = ATTEMPT_BEGUN },
	{ "the final's is killed at its end", .slow = ATTEMPT_ENDED },
	{ "both are killed before they begin", .quick = ATTEMPT_WAITING, .slow = ATTEMPT_WAITING },
	{ "both are killed when they have begun", .quick = ATTEMPT_BEGUN, .slow = ATTEMPT_BEGUN },
	{ "both are killed at their end", .quick = ATTEMPT_ENDED, .slow = ATTEMPT_ENDED },
	{ "the partials' is killed when it is done", .quick = ATTEMPT_DONE },
	{ "both are killed when they have begun, and those that hear it again, too",
	    .quick = ATTEMPT_BEGUN, .slow = ATTEMPT_BEGUN, .twice = true },
	{ "both are killed at their end, and those that hear it again, too", .quick = ATTEMPT_ENDED,
	    .slow = ATTEMPT_ENDED, .twice = true },
};

static void kill_both(const struct row *row, enum attempt_state in)
{
	if (row->quick == in)
		kill_in(QUICK);
	if (row->slow == in && in == ATTEMPT_WAITING)
		kill_next_of_finals();
	else if (row->slow == in)
		kill_in(SLOW);
}

static bool is_asked_for(enum attempt_state of_row, enum attempt_state in)
{
	return of_row == in && in != ATTEMPT_WAITING;
}

static uint64_t losses_before[POOLS];
static const struct row *row_now;

static bool losses_are_known(void)
{
	return lost_in(QUICK) - losses_before[QUICK] == (row_now->quick == ATTEMPT_WAITING) &&
	    lost_in(SLOW) - losses_before[SLOW] == (row_now->slow == ATTEMPT_WAITING);
}

static void kill_where(const struct row *row, enum attempt_state in)
{
	states_wanted[QUICK] = is_asked_for(row->quick, in) ? in : ATTEMPT_NONE;
	states_wanted[SLOW] = is_asked_for(row->slow, in) ? in : ATTEMPT_NONE;
	wait_until(is_in_state);
	kill_both(row, in);
	if (in == ATTEMPT_WAITING)
		wait_until(losses_are_known); /* or it would be asked to begin */
	if (!row->twice || row->slow != in)
		return;
	wait_until(others_are_there);
	kill_both(row, in);
}

static uint64_t times_of(enum attempt_state of_row)
{
	return of_row == ATTEMPT_NONE ? 0 : row_now->twice ? 2 : 1;
}

static bool all_losses_are_known(void)
{
	return lost_in(QUICK) - losses_before[QUICK] == times_of(row_now->quick) &&
	    lost_in(SLOW) - losses_before[SLOW] == times_of(row_now->slow);
}

static void check_killed(const struct row *row)
{
	bool heard = row->slow == ATTEMPT_BEGUN || row->slow == ATTEMPT_ENDED;

	wait_until(all_losses_are_known);
	assert_int_equal(recovered, heard ? times_of(row->slow) : 0);
}

static char undisturbed[TEXT_MAX];

static void test_row(void **state)
{
	const struct row *row = row_now = *state;

	losses_before[QUICK] = lost_in(QUICK);
	losses_before[SLOW] = lost_in(SLOW);
	open_session();
	kill_where(row, ATTEMPT_WAITING);
	speak();
	kill_where(row, ATTEMPT_BEGUN);
	session_end(session);
	kill_where(row, ATTEMPT_ENDED);
	kill_where(row, ATTEMPT_DONE);
	wait_until(is_ended);
	assert_int_equal(errors, 0);
	assert_int_equal(finals, 1);
	if (row == rows)
		strcpy(undisturbed, text);
	assert_string_equal(text, undisturbed);
	assert_string_not_equal(text, "");
	check_killed(row);
	session_free(&session);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("seats_live", tests, start, stop);
}
