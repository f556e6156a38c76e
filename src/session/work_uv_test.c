/* Meant to be run under TSan as well: the marks that jobs leave are plain memory, so that a job that runs twice at
 * once, or is reported before it has run, is a race. */
#define _GNU_SOURCE /* for uv.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "base/util.h"
#include "session/work.h"

enum { ITEMS = 2000, ROUNDS = 20 };

struct job {
	struct work_item item;
	unsigned runs, dones; /* runs: written by the job's thread, read by done */
	unsigned again;       /* times to be submitted from done */
	uint64_t order;       /* when it was submitted last */
	bool under_way;
};

static uv_loop_t loop;
static struct work *work;
static uv_thread_t loop_thread;
static uint64_t submitted;
static unsigned dones;
static bool inside_submit;
static void (*on_all_done)(void);
static unsigned awaited;

static void run(void *arg)
{
	struct job *j = arg;

	j->runs++;
}

static void submit(struct job *j)
{
	j->order = ++submitted;
	j->under_way = true;
	inside_submit = true;
	work->submit(work, &j->item);
	inside_submit = false;
}

static void done(void *arg)
{
	struct job *j = arg;
	uv_thread_t self = uv_thread_self();

	assert_true(uv_thread_equal(&self, &loop_thread));
	assert_false(inside_submit);
	assert_true(j->under_way);
	j->under_way = false;
	assert_int_equal(j->runs, ++j->dones);
	if (++dones == awaited && on_all_done != NULL)
		on_all_done();
	if (j->again > 0) {
		j->again--;
		submit(j);
	}
}

static struct job *make_jobs(unsigned n, unsigned again)
{
	struct job *jobs = xcalloc(n, sizeof *jobs);

	for (unsigned i = 0; i < n; i++) {
		jobs[i].item = (struct work_item){ .run = run, .done = done, .arg = &jobs[i] };
		jobs[i].again = again;
	}
	return jobs;
}

static void start(unsigned threads)
{
	assert_int_equal(uv_loop_init(&loop), 0);
	work = work_uv_new(&loop, threads, threads + 2);
	loop_thread = uv_thread_self();
	submitted = dones = awaited = 0;
	on_all_done = NULL;
}

/* Runs what is under way and closes: the loop must end by itself and keep nothing. */
static void finish(void)
{
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	work_uv_free(&work);
	assert_null(work);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void check_each_ran(const struct job *jobs, unsigned n, unsigned times)
{
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(jobs[i].runs, times);
		assert_int_equal(jobs[i].dones, times);
		assert_false(jobs[i].under_way);
	}
}

static void test_each_once(void **state)
{
	const unsigned threads[] = { 1, 2, 3, 7, 64 };

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(threads); t++) {
		struct job *jobs = make_jobs(ITEMS, 0);

		start(threads[t]);
		for (unsigned i = 0; i < ITEMS; i++)
			submit(&jobs[i]);
		assert_int_equal(dones, 0); /* nothing is called from inside submit */
		finish();
		check_each_ran(jobs, ITEMS, 1);
		free(jobs);
	}
}

static void test_few(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 6; n++) {
		struct job *jobs = make_jobs(n + 1, 0);

		start(3);
		for (unsigned i = 0; i < n; i++)
			submit(&jobs[i]);
		finish();
		check_each_ran(jobs, n, 1);
		free(jobs);
	}
}

static void test_again_from_done(void **state)
{
	struct job *jobs = make_jobs(ITEMS, ROUNDS - 1);

	(void)state;
	start(2);
	for (unsigned i = 0; i < ITEMS; i++)
		submit(&jobs[i]);
	finish();
	check_each_ran(jobs, ITEMS, ROUNDS);
	free(jobs);
}

/* With one thread, batches are reported in the order in which they were sent out. */
static uint64_t last_order;

static void done_in_order(void *arg)
{
	struct job *j = arg;

	assert_true(j->order > last_order);
	last_order = j->order;
	done(arg);
}

static void test_order(void **state)
{
	struct job *jobs = make_jobs(ITEMS, ROUNDS - 1);

	(void)state;
	start(1);
	last_order = 0;
	for (unsigned i = 0; i < ITEMS; i++) {
		jobs[i].item.done = done_in_order;
		submit(&jobs[i]);
	}
	finish();
	check_each_ran(jobs, ITEMS, ROUNDS);
	free(jobs);
}

static void test_over_several_turns(void **state)
{
	struct job *jobs = make_jobs(ITEMS, 0);

	(void)state;
	start(2);
	for (unsigned i = 0; i < ITEMS; i++) {
		submit(&jobs[i]);
		if (i % 7 == 0)
			(void)uv_run(&loop, UV_RUN_NOWAIT);
	}
	finish();
	check_each_ran(jobs, ITEMS, 1);
	free(jobs);
}

static void test_free_with_jobs_under_way(void **state)
{
	struct job *jobs = make_jobs(ITEMS, 0);

	(void)state;
	start(2);
	for (unsigned i = 0; i < ITEMS; i++)
		submit(&jobs[i]);
	work_uv_free(&work);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
	check_each_ran(jobs, ITEMS, 1);
	free(jobs);
}

static void free_work(void)
{
	work_uv_free(&work);
}

static void test_free_from_done(void **state)
{
	const unsigned counts[] = { 1, 2, 100 };

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		for (unsigned at = 1; at <= counts[c]; at += 33) {
			struct job *jobs = make_jobs(counts[c], 0);

			start(2);
			awaited = at;
			on_all_done = free_work;
			for (unsigned i = 0; i < counts[c]; i++)
				submit(&jobs[i]);
			assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
			assert_int_equal(uv_loop_close(&loop), 0);
			check_each_ran(jobs, counts[c], 1);
			free(jobs);
		}
	}
}

static void test_idle_work_keeps_no_loop(void **state)
{
	struct work *none = NULL;

	(void)state;
	start(4);
	work_uv_free(&none);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "each job runs once, with any number of threads", test_each_once, NULL, NULL,
		    NULL },
		{ "a few jobs, fewer than threads", test_few, NULL, NULL, NULL },
		{ "jobs are submitted again from done", test_again_from_done, NULL, NULL, NULL },
		{ "batches are done in order", test_order, NULL, NULL, NULL },
		{ "jobs come over several turns of the loop", test_over_several_turns, NULL, NULL,
		    NULL },
		{ "freed with jobs under way", test_free_with_jobs_under_way, NULL, NULL, NULL },
		{ "freed from inside done", test_free_from_done, NULL, NULL, NULL },
		{ "without jobs the loop may end", test_idle_work_keeps_no_loop, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("work_uv", tests, NULL, NULL);
}
