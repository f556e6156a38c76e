/* Two passes over random instances, hosts, places and times: each utterance has one final, whole and of one pass, or one error; they come in
 * order; and what was told as stable stays (session_fake looks). With one pass, too, whose texts are revised or only grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "pool/lease_fake.h"
#include "session/session_fake.h"

enum {
	UTTERANCES = 14,
	SEEDS = 24,
	STEPS_MAX = 60000,
	PIECE_MS = 100,
	QUICK = 0,
	SLOW = 1,
	POOLS = 2,
	WORDS_MAX = 64,
	WORD_SAMPLES = 3200,
	FOREVER_MS = 100000000
};

struct row {
	const char *name;
	unsigned passes;
	enum ipc_partials partials;
	bool growing;
	bool failures;
	bool scarce; /* of the places for finals others have some, for some time */
	enum lease_kind lease;
};

static const struct row rows[] = {
	{ "one pass, texts grow", 1, IPC_PARTIALS_OWN, true, false, false, LEASE_BY_SESSION },
	{ "one pass, texts grow, with failures", 1, IPC_PARTIALS_OWN, true, true, false,
	    LEASE_BY_SESSION },
	{ "one pass, texts are revised", 1, IPC_PARTIALS_OWN, false, false, false,
	    LEASE_BY_SESSION },
	{ "one pass, texts are revised, with failures", 1, IPC_PARTIALS_OWN, false, true, false,
	    LEASE_BY_UTTERANCE },
	{ "one pass, each text is one of its own, with failures", 1, IPC_PARTIALS_ANEW, false, true,
	    false, LEASE_BY_SESSION },
	{ "two passes", 2, IPC_PARTIALS_OWN, false, false, false, LEASE_BY_SESSION },
	{ "two passes, few places", 2, IPC_PARTIALS_OWN, false, false, true, LEASE_BY_SESSION },
	{ "two passes, with failures", 2, IPC_PARTIALS_OWN, false, true, false, LEASE_BY_SESSION },
	{ "two passes, with failures and few places", 2, IPC_PARTIALS_ANEW, false, true, true,
	    LEASE_BY_UTTERANCE },
};

static const struct row *row;
static struct pool_fake pools[POOLS];
static struct lease_fake holder;
static struct pool_finals finals;
static struct work_fake work;
static struct session_fake *f;
static uint64_t seed;
static unsigned pieces_left, committed, said_ms[UTTERANCES + 1]; /* of each utterance */
static unsigned losses[2 * UTTERANCES];             /* of instances, where texts only grow */
static unsigned told_by[POOLS], incomplete, errors; /* of all runs of a row */

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

/* What is heard so far, a word each 200 ms. Other samples, another pass: other words; which are other ones for a while where texts are
 * revised. */
static void make_partial(char *to, size_t cap, unsigned pool, const struct pool_fake_instance *i)
{
	size_t n = MIN(i->samples / WORD_SAMPLES, (size_t)WORDS_MAX), used = 0;

	to[0] = '\0';
	for (size_t k = 0; k < n; k++) {
		uint64_t h = (i->utterance * 31 + k) * 0x9e3779b97f4a7c15ull;
		bool other =
		    !row->growing && (h >> 40) % 4 == 0 && i->samples / WORD_SAMPLES < k + 4;

		used += (size_t)snprintf(to + used, cap - used, "%s%c%u%s", k > 0 ? " " : "",
		    pool == QUICK ? 'q' : 's', (unsigned)(h >> 56), other ? "x" : "");
		if (other && rnd(6) == 0)
			break; /* or shorter */
	}
}

/* How much an instance has heard says whether it was all; a part of it is told the same way. */
static void make_final(char *to, size_t cap, unsigned pool, const struct pool_fake_instance *i)
{
	if (row->growing)
		make_partial(to, cap, pool, i);
	else
		(void)snprintf(to, cap, "%s %zu", pool == QUICK ? "quick" : "slow", i->samples);
}

static void say_text(unsigned pool, uint64_t id, bool final)
{
	char text[WORDS_MAX * 8];

	if (final)
		make_final(text, sizeof text, pool, pool_fake_at(&pools[pool], id));
	else
		make_partial(text, sizeof text, pool, pool_fake_at(&pools[pool], id));
	if (final)
		pool_fake_final(&pools[pool], id, text);
	else
		pool_fake_partial(&pools[pool], id, text);
	pool_fake_at(&pools[pool], id)->partial_requests = 0;
}

static void instance_fails(unsigned pool, uint64_t id)
{
	struct pool_fake *p = &pools[pool];
	struct pool_fake_instance *i = pool_fake_at(p, id);

	if (row->growing && i->open && ++losses[i->utterance] > 2)
		return; /* it would be heard in parts, and they do not know of each other */
	if (rnd(3) == 0)
		pool_fake_lose(p, id, "it spoke garbage");
	else if (rnd(2) == 0 && p->instances[id].open)
		pool_fake_failed(p, id, "I cannot");
	else
		pool_fake_exit(p, id);
}

static void instance_does(unsigned pool, uint64_t id)
{
	struct pool_fake *p = &pools[pool];
	struct pool_fake_instance *i = pool_fake_at(p, id);

	if (!i->born)
		pool_fake_born(p, id);
	else if (!i->ready)
		pool_fake_say(p, id, IPC_READY);
	else if (row->failures && rnd(row->growing ? 60 : 16) == 0)
		instance_fails(pool, id);
	else if (rnd(3) == 0)
		pool_fake_room(p, id, (int)rnd(5));
	else if (i->client == 77 || !i->open)
		return;
	else if (i->ended && rnd(4) == 0)
		say_text(pool, id, true);
	else if (!i->ended && i->partial_requests > 0)
		say_text(pool, id, false);
}

static uint64_t pick_instance(unsigned pool)
{
	struct pool_fake *p = &pools[pool];
	uint64_t got = 0;
	unsigned n = 0;

	for (uint64_t id = 1; id <= p->last_id; id++)
		if (!p->instances[id].exited && !p->instances[id].let_go && rnd(++n) == 0)
			got = id;
	return got;
}

static void host_does(unsigned pool)
{
	struct pool_fake *p = &pools[pool];

	if (!p->host)
		pool_fake_host_up(p);
	else if (rnd(4) == 0)
		pool_fake_host_failed(p, "no model");
	else
		pool_fake_host_down(p);
}

/* Somebody else who speaks there. */
static void holder_does(void)
{
	if (holder.lease == NULL && rnd(2) == 0)
		assert_true(lease_fake_ask(&holder, 77, pools[SLOW].pool));
	else if (holder.lease != NULL && rnd(3) == 0)
		lease_fake_release(&holder);
	else if (holder.lease != NULL && lease_attempt(holder.lease) != ATTEMPT_BEGUN)
		(void)lease_fake_begin(&holder);
}

static void client_does(void)
{
	if (pieces_left > 0) {
		pieces_left--;
		said_ms[committed + 1] += PIECE_MS;
		(void)session_fake_hear(f, PIECE_MS);
	} else if (committed < UTTERANCES) {
		if (said_ms[committed + 1] > 0) {
			committed++;
			session_commit(f->session);
		}
		if (committed == UTTERANCES)
			session_end(f->session);
		else
			pieces_left = 1 + rnd(20);
	}
}

static void step(void)
{
	unsigned what = rnd(20), pool = rnd(row->passes);

	if (what < 3 && (committed < f->finals + 6 || rnd(30) == 0))
		client_does();
	else if (what < 7)
		(void)work_fake_run_one(&work);
	else if (what == 7 && rnd(4) == 0)
		for (unsigned i = 0; i < row->passes; i++)
			pool_fake_pass_ms(&pools[i], 200);
	else if (what == 8 && row->scarce && rnd(2) == 0)
		holder_does();
	else if (what == 9 && row->failures && (rnd(80) == 0 || (!pools[pool].host && rnd(3) == 0)))
		host_does(pool);
	else if (pick_instance(pool) != 0)
		instance_does(pool, pick_instance(pool));
}

static void start_pool(unsigned i)
{
	static const char *const names[POOLS] = { "quick", "slow" };
	struct pool_config cfg = pool_fake_config();

	cfg.max = cfg.spare = 1;
	cfg.lease = row->lease;
	cfg.queue_timeout_ms = row->failures ? 8000 : FOREVER_MS;
	if (!row->failures)
		cfg.begin_timeout_ms = cfg.final_timeout_ms = cfg.start_timeout_ms = FOREVER_MS;
	if (i == QUICK)
		pool_fake_init_as(&pools[i], names[i], &cfg);
	else
		pool_fake_init_in(&pools[i], &pools[QUICK].turn, names[i], &cfg);
	pool_set_traits(pools[i].pool,
	    &(struct ipc_traits){
		.partials = row->partials, .decode_threads = 1, .quiet_factor = 1 });
	pool_fake_host_up(&pools[i]);
}

static void open_session(void)
{
	struct session_config cfg = session_fake_config();

	for (unsigned i = 0; i < row->passes; i++)
		start_pool(i);
	finals = (struct pool_finals){ .wait_ms = 1000 };
	if (row->passes == POOLS)
		finals.pools[finals.n++] = pools[SLOW].pool;
	cfg.finals = &finals;
	work_fake_init(&work);
	f = xcalloc(1, sizeof *f);
	f->limits = (struct session_limits){
		.buffer_ms = 60000, .partial_interval_ms = 300, .losses_max = 8
	};
	f->growing = row->growing;
	holder = (struct lease_fake){ .by_utterance = true, .tenant = 9 };
	assert_true(session_fake_open(f, &pools[QUICK], &work, &cfg));
}

/* All of it was heard by one pass, in one or several parts. */
static void check_whole(const char *text, size_t n, unsigned pass, unsigned ms)
{
	char copy[512], *at = copy, tag[16];
	unsigned long total = 0, part;
	int used;

	assert_true(n < sizeof copy);
	memcpy(copy, text, n);
	copy[n] = '\0';
	while (sscanf(at, "%15s %lu%n", tag, &part, &used) == 2) {
		assert_string_equal(tag, pass == QUICK ? "quick" : "slow");
		total += part;
		at += used + (at[used] == ' ');
	}
	assert_string_equal(at, "");
	assert_int_equal(total, ms * 16);
}

static void check_final(const char *line)
{
	unsigned utterance, from, to;
	const char *text = strchr(line, '\'') + 1, *end = strchr(text, '\'');
	bool quick = row->passes == 1 || strstr(end, " by partials\n") == strchr(end, '\n') - 12;

	assert_int_equal(sscanf(line, "final %u ", &utterance), 1);
	assert_int_equal(sscanf(end, "' %u-%u", &from, &to), 2);
	if (strncmp(strchr(end, '\n') + 1, "  incomplete", 12) == 0) {
		incomplete++;
		return;
	}
	if (!row->failures) /* one that is given up ends where the ear is */
		assert_int_equal(to - from, said_ms[utterance]);
	if (!row->growing)
		check_whole(text, (size_t)(end - text), quick ? QUICK : SLOW, to - from);
	told_by[quick ? QUICK : SLOW]++;
}

/* Ids, order and number are session_fake's to check. */
static void check_log(void)
{
	const char *line = f->log;

	f->log[f->log_n] = '\0';
	for (const char *next; (next = strchr(line, '\n')) != NULL; line = next + 1) {
		if (strncmp(line, "final ", 6) == 0)
			check_final(line);
		errors += strncmp(line, "error ", 6) == 0;
	}
	assert_non_null(strstr(f->log, "\nended "));
}

static void run(uint64_t n)
{
	seed = 0x9e3779b97f4a7c15ull * n;
	pieces_left = committed = 0;
	memset(said_ms, 0, sizeof said_ms);
	memset(losses, 0, sizeof losses);
	open_session();
	for (int i = 0; i < STEPS_MAX && !f->over; i++)
		step();
	assert_true(f->over);
	check_log();
	session_fake_close(f);
	lease_fake_release(&holder);
	work_fake_run(&work);
	for (unsigned i = row->passes; i-- > 0;)
		pool_fake_done(&pools[i]);
	free(f);
}

static void test_row(void **state)
{
	row = *state;
	memset(told_by, 0, sizeof told_by);
	incomplete = errors = 0;
	for (uint64_t n = 1; n <= SEEDS; n++)
		run(n);
	assert_int_equal(metric_get(METRIC_utterances_opened_total),
	    metric_get(METRIC_utterances_done_total) + metric_get(METRIC_utterances_failed_total) +
		metric_get(METRIC_utterances_abandoned_total));
	assert_int_equal(told_by[SLOW] > 0, row->passes == POOLS);
	assert_int_equal(told_by[QUICK] > 0, row->passes == 1 || row->failures || row->scarce);
	if (!row->failures)
		assert_int_equal(incomplete + errors, 0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("passes_random", tests, NULL, NULL);
}
