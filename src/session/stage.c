#include "session/stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/metric.h"
#include "base/util.h"

struct stage stage;

static struct session_fake *make_fake(void)
{
	struct session_fake *c = xcalloc(1, sizeof *c);

	c->limits = (struct session_limits){ .buffer_ms = 1000,
		.idle_timeout_ms = 5000,
		.partial_interval_ms = 300,
		.losses_max = 8 };
	return c;
}

int stage_setup(void **state)
{
	(void)state;
	work_fake_init(&stage.work);
	stage.f = make_fake();
	stage.other = make_fake();
	return 0;
}

int stage_teardown(void **state)
{
	(void)state;
	free(stage.f);
	free(stage.other);
	return 0;
}

void stage_start_pool(const struct pool_config *cfg)
{
	pool_fake_init(&stage.pool, cfg);
	pool_fake_host_up(&stage.pool);
	pool_fake_born_all(&stage.pool);
}

struct pool_config stage_one_place(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.max = 1;
	cfg.spare = 1;
	return cfg;
}

void stage_open_with(const struct session_config *cfg)
{
	struct pool_config pool_cfg = stage_one_place();

	stage_start_pool(&pool_cfg);
	assert_true(session_fake_open(stage.f, &stage.pool, &stage.work, cfg));
	pool_fake_born_all(&stage.pool);
	session_fake_expect(stage.f, "ready\n");
}

void stage_open(void)
{
	const struct session_config cfg = session_fake_config();

	stage_open_with(&cfg);
}

void stage_finish(void)
{
	session_fake_close(stage.f);
	work_fake_run(&stage.work);
	assert_int_equal(metric_get(METRIC_sessions), 0);
	assert_int_equal(
	    metric_get(METRIC_sessions_opened_total), metric_get(METRIC_sessions_closed_total));
	assert_int_equal(metric_get(METRIC_utterances_opened_total),
	    metric_get(METRIC_utterances_done_total) + metric_get(METRIC_utterances_failed_total) +
		metric_get(METRIC_utterances_abandoned_total));
	pool_fake_done(&stage.pool);
}

void stage_hear(unsigned ms)
{
	(void)session_fake_hear(stage.f, ms);
	work_fake_run(&stage.work);
}

void stage_commit(void)
{
	session_commit(stage.f->session);
	work_fake_run(&stage.work);
}

void stage_end(void)
{
	session_end(stage.f->session);
	work_fake_run(&stage.work);
}

uint64_t stage_hearer(uint64_t utterance)
{
	uint64_t id = pool_fake_hearer(&stage.pool, utterance);

	assert_int_not_equal(id, 0);
	return id;
}

void stage_answer(uint64_t utterance, const char *text)
{
	pool_fake_final(&stage.pool, stage_hearer(utterance), text);
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

void stage_fail(uint64_t utterance, const char *why)
{
	for (int i = 0; i < 2; i++) {
		pool_fake_failed(&stage.pool, stage_hearer(utterance), why);
		pool_fake_born_all(&stage.pool);
	}
}
