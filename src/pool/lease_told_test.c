/* What a lease tells, when, and what it does not tell any more. The test calls the pool itself, so that it can look before
 * the turn ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 6 };

static struct pool_fake f;
static struct lease_fake clients[CLIENTS];

static int setup(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	memset(clients, 0, sizeof clients);
	cfg.max = 1;
	cfg.refresh = REFRESH_SESSION;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_true(lease_fake_ask(&clients[0], 1, f.pool));
	pool_fake_born_all(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	pool_fake_done(&f);
	return 0;
}

static unsigned seen(unsigned client, enum lease_fake_event e)
{
	return clients[client].seen[e];
}

static struct ipc_message message(enum ipc_type type, const char *text)
{
	return (struct ipc_message){ .type = type,
		.epoch = pool_fake_at(&f, 1)->epoch,
		.result = { .utterance = lease_fake_utterance(&clients[0]),
		    .text = { text, (uint32_t)strlen(text) } } };
}

/* Comes from instance 1; nobody is told yet. */
static void say(enum ipc_type type, const char *text)
{
	const struct ipc_message m = message(type, text);

	if (type == IPC_FINAL)
		pool_fake_at(&f, 1)->open = false;
	pool_on_message(f.pool, 1, &m);
}

static void begin(void)
{
	assert_true(lease_fake_begin(&clients[0]));
}

static void end(void)
{
	assert_true(lease_fake_end(&clients[0]));
}

static void test_nothing_before_the_end_of_the_turn(void **state)
{
	(void)state;
	begin();
	end();
	say(IPC_PARTIAL, "one");
	say(IPC_FINAL, "one two");
	assert_int_equal(seen(0, LEASE_FAKE_PARTIAL) + seen(0, LEASE_FAKE_FINAL), 0);
	turn_run(&f.turn);
	assert_int_equal(seen(0, LEASE_FAKE_PARTIAL), 1);
	assert_int_equal(seen(0, LEASE_FAKE_FINAL), 1);
	assert_string_equal(clients[0].text, "one two");
}

/* What comes in a message lies in a packet that is used again. */

static char words_told[64], text_told[16], language_told[8];
static uint8_t learnt_told[4];

static void keep_told(void *arg, const struct ipc_result *r)
{
	(void)arg;
	assert_int_equal(r->words_n, 2);
	assert_int_equal(r->adaptation_bytes, sizeof learnt_told);
	(void)snprintf(words_told, sizeof words_told, "%.*s-%u %.*s-%u",
	    (int)r->words[0].text.length, r->words[0].text.bytes, r->words[0].end_ms,
	    (int)r->words[1].text.length, r->words[1].text.bytes, r->words[1].end_ms);
	(void)snprintf(language_told, sizeof language_told, "%.*s", (int)r->language.length,
	    r->language.bytes);
	(void)snprintf(text_told, sizeof text_told, "%.*s", (int)r->text.length, r->text.bytes);
	memcpy(learnt_told, r->adaptation, sizeof learnt_told);
}

static void granted(void *arg)
{
	(void)arg;
}

static void say_and_overwrite(uint64_t id)
{
	static char packet[] = "one two";
	static char language[] = "de";
	static uint8_t learnt[] = { 1, 2, 3, 4 };
	static struct ipc_word words[] = { { .text = { packet, 3 }, .end_ms = 100 },
		{ .text = { packet + 4, 3 }, .end_ms = 200 } };
	struct ipc_message m = { .type = IPC_FINAL,
		.epoch = pool_fake_at(&f, id)->epoch,
		.result = { .text = { packet, 7 },
		    .words = words,
		    .words_n = 2,
		    .language = { language, 2 },
		    .adaptation = learnt,
		    .adaptation_bytes = sizeof learnt } };

	pool_fake_at(&f, id)->open = false;
	pool_on_message(f.pool, id, &m);
	memset(packet, 'x', sizeof packet - 1);
	memset(language, 'x', 2);
	memset(learnt, 9, sizeof learnt);
	memset(words, 0, sizeof words);
	memset(&m, 0, sizeof m);
}

static void test_all_is_copied(void **state)
{
	const struct lease_events events = { .on_granted = granted, .on_final = keep_told };
	const struct lease_owner owner = { .session = 7 };
	const struct ipc_begin what = { .utterance = (uint64_t)7 << 32 };
	const uint8_t learnt[] = { 1, 2, 3, 4 };
	struct error err;
	struct lease *l;

	(void)state;
	lease_fake_release(&clients[0]);
	l = lease_new(f.pool, &owner, &events, NULL, &err, NULL);
	lease_start(l);
	pool_fake_born_all(&f);
	assert_true(lease_begin(l, &what) && lease_end(l));
	say_and_overwrite(lease_instance(l));
	turn_run(&f.turn);
	assert_string_equal(words_told, "one-100 two-200");
	assert_string_equal(text_told, "one two");
	assert_string_equal(language_told, "de");
	assert_memory_equal(learnt_told, learnt, sizeof learnt);
	lease_release(&l);
}

static void test_abort_drops_it(void **state)
{
	(void)state;
	begin();
	end();
	say(IPC_PARTIAL, "one");
	say(IPC_FINAL, "one two");
	lease_fake_abort(&clients[0]);
	assert_int_equal(seen(0, LEASE_FAKE_PARTIAL) + seen(0, LEASE_FAKE_FINAL), 0);
	begin(); /* as if nothing had been */
	end();
	pool_fake_final(&f, 1, "three");
	assert_string_equal(clients[0].text, "three");
}

static void test_abort_keeps_the_grant(void **state)
{
	(void)state;
	assert_true(lease_fake_ask(&clients[1], 2, f.pool));
	lease_release(&clients[0].lease);
	lease_abort(clients[1].lease);
	assert_false(clients[1].granted);
	turn_run(&f.turn);
	assert_true(clients[1].granted);
}

static void test_release_drops_all(void **state)
{
	(void)state;
	begin();
	end();
	say(IPC_FINAL, "one");
	lease_fake_release(&clients[0]); /* lease_fake would not bear to be told */
	assert_null(f.turn.first);
	assert_int_equal(seen(0, LEASE_FAKE_FINAL), 0);
}

static void test_writable_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		pool_on_writable(f.pool, 1);
	turn_run(&f.turn);
	assert_int_equal(seen(0, LEASE_FAKE_WRITABLE), 1);
	pool_on_writable(f.pool, 1);
	turn_run(&f.turn);
	assert_int_equal(seen(0, LEASE_FAKE_WRITABLE), 2);
}

static void test_place_as_it_is_when_told(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 4; i++)
		assert_true(lease_fake_ask(&clients[i], i + 1, f.pool));
	lease_release(&clients[1].lease);
	lease_release(&clients[2].lease);
	turn_run(&f.turn);
	assert_int_equal(clients[3].position, 1);
	assert_int_equal(seen(3, LEASE_FAKE_QUEUED), 2); /* once as the third, once as the first */
}

static void test_no_place_of_who_has_one(void **state)
{
	(void)state;
	assert_true(lease_fake_ask(&clients[1], 2, f.pool));
	assert_true(lease_fake_ask(&clients[2], 3, f.pool));
	lease_release(&clients[1].lease); /* 2 is the first now */
	lease_release(&clients[0].lease); /* ... and has a place */
	turn_run(&f.turn);
	assert_true(clients[2].granted);
	assert_int_equal(seen(2, LEASE_FAKE_QUEUED), 1);
}

static void test_no_place_of_who_is_refused(void **state)
{
	(void)state;
	assert_true(lease_fake_ask(&clients[1], 2, f.pool));
	assert_true(lease_fake_ask(&clients[2], 3, f.pool));
	lease_release(&clients[1].lease);
	pool_stop(f.pool);
	turn_run(&f.turn);
	assert_true(clients[2].refused);
	assert_int_equal(seen(2, LEASE_FAKE_QUEUED), 1);
}

/* How it stands is known before it is told, and who holds the lease may go on as if he did not know. */

static void check_late_calls(enum attempt_state want)
{
	const int16_t samples[4] = { 1, 2, 3, 4 };
	struct lease *l = clients[0].lease;

	assert_int_equal(lease_attempt(l), want);
	assert_int_equal(lease_audio(l, samples, 4), 0);
	assert_false(lease_request_partial(l));
	assert_false(lease_end(l));
	assert_int_equal(lease_attempt(l), want);
}

static void test_late_calls_after_a_loss(void **state)
{
	(void)state;
	begin();
	pool_on_exited(f.pool, 1, 9, "was killed");
	pool_fake_at(&f, 1)->exited = true;
	check_late_calls(ATTEMPT_LOST);
	turn_run(&f.turn);
	assert_int_equal(seen(0, LEASE_FAKE_LOST), 1);
	assert_int_equal(lease_attempt(clients[0].lease), ATTEMPT_LOST);
}

static void test_late_calls_after_the_final(void **state)
{
	(void)state;
	begin();
	end();
	say(IPC_FINAL, "one");
	check_late_calls(ATTEMPT_DONE);
	turn_run(&f.turn);
	assert_int_equal(seen(0, LEASE_FAKE_FINAL), 1);
}

static void test_late_calls_after_giving_up(void **state)
{
	(void)state;
	begin();
	lease_fake_abort(&clients[0]);
	check_late_calls(ATTEMPT_GIVEN_UP);
	lease_fake_abort(&clients[0]);
	begin();
	assert_int_equal(lease_attempt(clients[0].lease), ATTEMPT_BEGUN);
}

static void test_states_of_an_attempt(void **state)
{
	struct lease *l = clients[0].lease;

	(void)state;
	assert_int_equal(lease_attempt(l), ATTEMPT_NONE);
	lease_fake_abort(&clients[0]); /* of nothing */
	assert_int_equal(lease_attempt(l), ATTEMPT_NONE);
	pool_fake_room(&f, 1, 0);
	assert_false(lease_fake_begin(&clients[0]));
	assert_int_equal(lease_attempt(l), ATTEMPT_WAITING);
	pool_fake_room(&f, 1, POOL_FAKE_EVERYTHING);
	begin();
	assert_int_equal(lease_attempt(l), ATTEMPT_BEGUN);
	end();
	assert_int_equal(lease_attempt(l), ATTEMPT_ENDED);
	pool_fake_final(&f, 1, "one");
	assert_int_equal(lease_attempt(l), ATTEMPT_DONE);
	lease_fake_abort(&clients[0]);
	assert_int_equal(lease_attempt(l), ATTEMPT_GIVEN_UP);
}

/* Nobody can hear it. */
static void test_no_instance_is_giving_up(void **state)
{
	struct lease *l = clients[0].lease;

	(void)state;
	pool_fake_host_failed(&f, "there is no model");
	pool_fake_exit(&f, 1);
	assert_false(lease_fake_begin(&clients[0]));
	assert_int_equal(lease_attempt(l), ATTEMPT_WAITING);
	pool_fake_pass_ms(&f, 60000);
	assert_int_equal(seen(0, LEASE_FAKE_FAILED), 1);
	assert_int_equal(lease_attempt(l), ATTEMPT_GIVEN_UP);
}

#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, setup, teardown, NULL                                                     \
	}

/* Whoever asked would take what is told of the one before for this one's. */
static void test_no_next_one_before_the_end_is_told(void **state)
{
	const struct ipc_begin next = { .utterance = lease_fake_utterance(&clients[0]) + 2 };

	(void)state;
	begin();
	end();
	say(IPC_FINAL, "one");
	assert_false(lease_begin(clients[0].lease, &next));
	assert_int_equal(lease_attempt(clients[0].lease), ATTEMPT_DONE);
	turn_run(&f.turn);
	assert_int_equal(seen(0, LEASE_FAKE_FINAL), 1);
	begin();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("nothing is told before the end of the turn, and then in order",
		    test_nothing_before_the_end_of_the_turn),
		T("a result is told with all its words, whatever becomes of the message",
		    test_all_is_copied),
		T("what an utterance brought is not told when it is given up", test_abort_drops_it),
		T("that there is a place is told all the same", test_abort_keeps_the_grant),
		T("after the release nothing is told", test_release_drops_all),
		T("that there is room again is told once", test_writable_once),
		T("a place in the queue is told as it is then", test_place_as_it_is_when_told),
		T("who has been granted a place is told of none in the queue",
		    test_no_place_of_who_has_one),
		T("nor is who has been refused", test_no_place_of_who_is_refused),
		T("what is lost and not told yet takes no more audio",
		    test_late_calls_after_a_loss),
		T("nor does what is done", test_late_calls_after_the_final),
		T("nor what was given up, until it is begun anew", test_late_calls_after_giving_up),
		T("no other one begins before the end is told",
		    test_no_next_one_before_the_end_is_told),
		T("the states of an attempt", test_states_of_an_attempt),
		T("an attempt that gets no instance is given up", test_no_instance_is_giving_up),
	};

	return cmocka_run_group_tests_name("lease_told", tests, NULL, NULL);
}
