/* Two passes, and whatever fault in whatever state of either: there is one final or one error of the utterance, and it is the one of
 * the pass for finals where that can bring one, else that of the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "pool/lease_fake.h"
#include "session/stage.h"

enum { WAIT_MS = 2000, QUEUE_MS = 20000, STUCK_MS = 1000, PASSES = 2, QUICK = 0, SLOW = 1 };

/* BEFORE: the utterance is not there yet. */
enum moment { BEFORE, BEGUN, ENDED, MOMENTS };

enum fault {
	NONE,
	LOST,      /* its instance is killed */
	GARBAGE,   /* ... or speaks what is none */
	STUCK,     /* ... or does nothing */
	HOST_LOST, /* and its host; another one comes */
	POOL_LOST, /* and no other comes */
	UNABLE,    /* no instance can do it */
	FULL,      /* others have all places of it */
	FAULTS,
};

static const char *const fault_names[FAULTS] = { "nothing", "killed", "garbage", "stuck",
	"host killed", "pool failed", "unable", "full" };
static const char *const moment_names[MOMENTS] = { "before it", "in it", "at its end" };

struct hit {
	enum fault fault;
	enum moment at;
};

static struct pool_fake slow;
static struct lease_fake holder;
static struct pool_finals finals;

static struct pool_fake *pool_of(unsigned pass)
{
	return pass == QUICK ? &stage.pool : &slow;
}

static struct pool_config one_place(void)
{
	struct pool_config pool = stage_one_place();

	pool.queue_timeout_ms = QUEUE_MS;
	pool.begin_timeout_ms = pool.final_timeout_ms = STUCK_MS;
	pool.slowest_factor = 1;
	return pool;
}

static void open_both(void)
{
	struct session_config cfg = session_fake_config();
	const struct pool_config pool = one_place();

	stage_start_pool(&pool);
	pool_fake_init_in(&slow, &stage.pool.turn, "slow", &pool);
	pool_fake_host_up(&slow);
	pool_fake_born_all(&slow);
	finals = (struct pool_finals){ .pools = { slow.pool }, .n = 1, .wait_ms = WAIT_MS };
	cfg.finals = &finals;
	assert_true(session_fake_open(stage.f, &stage.pool, &stage.work, &cfg));
	pool_fake_born_all(&stage.pool);
	session_fake_expect(stage.f, "ready\n");
	holder = (struct lease_fake){ .by_utterance = true };
}

static void finish_both(void)
{
	lease_fake_release(&holder);
	stage_finish();
	pool_fake_done(&slow);
}

/* Whoever hears the utterance, or would. */
static uint64_t victim(unsigned pass)
{
	struct pool_fake *f = pool_of(pass);
	uint64_t id = pool_fake_hearer(f, 1);

	for (uint64_t i = 1; id == 0 && i <= f->last_id; i++)
		if (f->instances[i].ready && !f->instances[i].let_go && !f->instances[i].exited)
			id = i;
	return id;
}

static void kill_all_of(unsigned pass)
{
	for (uint64_t id; (id = victim(pass)) != 0;)
		pool_fake_exit(pool_of(pass), id);
}

static void take_all_places(void)
{
	assert_true(lease_fake_ask(&holder, 77, slow.pool));
	if (!lease_fake_begin(&holder)) {
		pool_fake_born_all(&slow);
		assert_true(lease_fake_begin(&holder));
	}
}

static void be_unable(unsigned pass)
{
	struct pool_fake *f = pool_of(pass);

	for (int i = 0; i < 2; i++) {
		pool_fake_born_all(f);
		assert_int_not_equal(pool_fake_hearer(f, 1), 0);
		pool_fake_failed(f, pool_fake_hearer(f, 1), "I cannot");
	}
}

static void happen(unsigned pass, enum fault fault)
{
	struct pool_fake *f = pool_of(pass);

	if (fault == LOST)
		pool_fake_exit(f, victim(pass));
	else if (fault == GARBAGE)
		pool_fake_lose(f, victim(pass), "it spoke garbage");
	else if (fault == STUCK)
		pool_fake_pass_ms(f, 2 * STUCK_MS);
	else if (fault == HOST_LOST)
		pool_fake_host_down(f);
	else if (fault == POOL_LOST)
		pool_fake_host_failed(f, "no model");
	if (fault == POOL_LOST)
		pool_fake_host_down(f);
	if (fault == HOST_LOST || fault == POOL_LOST)
		kill_all_of(pass);
	else if (fault == UNABLE)
		be_unable(pass);
	else if (fault == FULL)
		take_all_places();
}

static void happen_at(enum moment m, const struct hit hits[PASSES])
{
	for (unsigned pass = 0; pass < PASSES; pass++)
		if (hits[pass].at == m)
			happen(pass, hits[pass].fault);
}

static bool is_over(void)
{
	stage.f->log[stage.f->log_n] = '\0';
	return strstr(stage.f->log, "final 1") != NULL || strstr(stage.f->log, "error 1") != NULL;
}

/* What an instance that hears the utterance does next. */
static void answer(unsigned pass)
{
	struct pool_fake *f = pool_of(pass);
	uint64_t id = pool_fake_hearer(f, 1);
	const struct pool_fake_instance *i = id == 0 ? NULL : pool_fake_at(f, id);

	if (i != NULL && i->ended)
		pool_fake_final(f, id, pass == QUICK ? "wrong" : "right");
	else if (i != NULL && i->partial_requests > 0)
		pool_fake_partial(f, id, "wr");
	pool_fake_born_all(f);
	work_fake_run(&stage.work);
}

/* Time passes, hosts come again, and who hears answers; the one that is first is far quicker. */
static void drive(const struct hit hits[PASSES], unsigned first)
{
	for (unsigned pass = 0; pass < PASSES; pass++)
		if (hits[pass].fault == HOST_LOST)
			pool_fake_host_up(pool_of(pass));
	for (unsigned i = 0; i < 400 && !is_over(); i++) {
		answer(first);
		if (i % 8 == 7)
			answer(1 - first);
		pool_fake_pass_ms(&stage.pool, 100);
		pool_fake_pass_ms(&slow, 100);
	}
}

static unsigned count_of(const char *what)
{
	unsigned n = 0;

	stage.f->log[stage.f->log_n] = '\0';
	for (const char *at = stage.f->log; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static bool can(const struct hit *h)
{
	return h->fault != POOL_LOST && h->fault != UNABLE && h->fault != FULL;
}

static bool makes_sense(unsigned pass, const struct hit *h)
{
	switch (h->fault) {
	case NONE:
		return h->at == BEFORE; /* once is enough */
	case UNABLE:
	case STUCK:
		return h->at != BEFORE;
	case FULL:
		return pass == SLOW && h->at == BEFORE;
	default:
		return true;
	}
}

static void check_told(const struct hit hits[PASSES])
{
	bool right = can(&hits[SLOW]), wrong = !right && can(&hits[QUICK]);

	assert_int_equal(count_of("final 1 'right' 0-700 commit 0.90\n"), right);
	assert_int_equal(count_of("final 1 'wrong' 0-700 commit 0.90 by partials\n"), wrong);
	assert_int_equal(count_of("error 1"), !right && !wrong);
	assert_int_equal(count_of("final 1 ") + count_of("error "), 1);
}

/* The session goes on as if nothing had been. */
static void check_next(const struct hit hits[PASSES])
{
	if (!can(&hits[QUICK]) || !can(&hits[SLOW]))
		return;
	session_fake_forget(stage.f);
	stage_hear(100);
	stage_commit();
	pool_fake_born_all(&slow);
	pool_fake_final(&slow, pool_fake_hearer(&slow, 2), "next");
	assert_int_equal(count_of("final 2 'next' 700-800"), 1);
}

static void run(const struct hit hits[PASSES], unsigned first)
{
	uint64_t told = metric_get(METRIC_finals_from_partials_total);

	(void)stage_setup(NULL);
	open_both();
	happen_at(BEFORE, hits);
	stage_hear(600);
	happen_at(BEGUN, hits);
	stage_hear(100);
	stage_commit();
	happen_at(ENDED, hits);
	drive(hits, first);
	check_told(hits);
	assert_int_equal(metric_get(METRIC_finals_from_partials_total) - told,
	    !can(&hits[SLOW]) && can(&hits[QUICK]));
	check_next(hits);
	finish_both();
	(void)stage_teardown(NULL);
}

struct row {
	struct hit hits[PASSES];
	char name[96];
};

static void test_row(void **state)
{
	const struct row *r = *state;

	run(r->hits, QUICK);
	run(r->hits, SLOW);
}

static size_t make_hits(unsigned pass, struct hit to[FAULTS * MOMENTS])
{
	size_t n = 0;

	for (unsigned i = 0; i < FAULTS * MOMENTS; i++) {
		to[n] = (struct hit){ i / MOMENTS, i % MOMENTS };
		n += makes_sense(pass, &to[n]);
	}
	return n;
}

static void make_row(struct row *r, const struct hit *q, const struct hit *s)
{
	*r = (struct row){ .hits = { *q, *s } };
	(void)snprintf(r->name, sizeof r->name, "partials: %s %s, finals: %s %s",
	    fault_names[q->fault], moment_names[q->at], fault_names[s->fault], moment_names[s->at]);
}

enum { ROWS_MAX = FAULTS * MOMENTS * FAULTS * MOMENTS };

static struct row rows[ROWS_MAX];
static struct CMUnitTest tests[ROWS_MAX];

int main(void)
{
	struct hit quick[FAULTS * MOMENTS], other[FAULTS * MOMENTS];
	size_t quick_n = make_hits(QUICK, quick), other_n = make_hits(SLOW, other), n = 0;

	for (size_t i = 0; i < quick_n; i++) {
		for (size_t k = 0; k < other_n; k++, n++) {
			make_row(&rows[n], &quick[i], &other[k]);
			tests[n] =
			    (struct CMUnitTest){ rows[n].name, test_row, NULL, NULL, &rows[n] };
		}
	}
	log_set_level(LOG_ERROR);
	return _cmocka_run_group_tests("passes", tests, n, NULL, NULL);
}
