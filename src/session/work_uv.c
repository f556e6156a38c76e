/* Thousands of sessions each have a little work fifty times a second. One job of the work pool for each would
 * cost more in locks and wake-ups than the work itself, so what comes up in one turn of the loop goes out in as many
 * batches as there are threads, and while all are busy the next batches grow. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/util.h"
#include "session/work.h"

struct batch {
	uv_work_t req;
	struct work_uv *owner;
	struct work_item *first;
	struct batch *next_free;
};

struct work_uv {
	struct work base; /* first */
	uv_loop_t *loop;
	uv_check_t check; /* after the sockets of a turn have been read */
	uv_idle_t idle;   /* keeps the loop from sleeping while something waits to be sent out */
	struct batch *batches, *free_batch;
	unsigned threads, busy;
	struct work_item *first, **last_next;
	unsigned waiting;
	unsigned handles;
	bool closing;
};

static void run_batch(uv_work_t *req)
{
	struct batch *b = req->data;

	for (struct work_item *i = b->first; i != NULL; i = i->next)
		i->run(i->arg);
}

static void send_out(struct work_uv *w);
static void close_if_done(struct work_uv *w);

static void on_batch_done(uv_work_t *req, int status)
{
	struct batch *b = req->data;
	struct work_uv *w = b->owner;
	struct work_item *i = b->first, *next;

	assert(status == 0);
	b->first = NULL;
	b->next_free = w->free_batch;
	w->free_batch = b;
	w->busy--;
	for (; i != NULL; i = next) {
		next = i->next;
		i->done(i->arg);
	}
	send_out(w);
	close_if_done(w);
}

static struct work_item *take_items(struct work_uv *w, unsigned n)
{
	struct work_item *first = w->first, *last = first;

	w->waiting -= n;
	while (--n > 0)
		last = last->next;
	w->first = last->next;
	if (w->first == NULL)
		w->last_next = &w->first;
	last->next = NULL;
	return first;
}

static void send_out(struct work_uv *w)
{
	while (w->waiting > 0 && w->busy < w->threads) {
		struct batch *b = w->free_batch;
		unsigned share = (w->waiting + w->threads - w->busy - 1) / (w->threads - w->busy);

		w->free_batch = b->next_free;
		b->first = take_items(w, share);
		w->busy++;
		(void)uv_queue_work(w->loop, &b->req, run_batch, on_batch_done);
	}
	if (w->waiting == 0 || w->busy == w->threads)
		(void)uv_idle_stop(&w->idle);
}

static void on_check(uv_check_t *check)
{
	send_out(check->data);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* its presence is all that is needed: on_check comes in this turn */
}

static void submit(struct work *base, struct work_item *item)
{
	struct work_uv *w = (struct work_uv *)base;

	item->next = NULL;
	*w->last_next = item;
	w->last_next = &item->next;
	if (w->waiting++ == 0 && w->busy < w->threads)
		(void)uv_idle_start(&w->idle, on_idle);
}

/* libuv starts its threads with the first batch, so one without work goes out. */
static void start_threads(struct work_uv *w, unsigned pool_threads)
{
	struct batch *b = w->free_batch;
	char text[16];

	(void)snprintf(text, sizeof text, "%u", pool_threads);
	(void)setenv("UV_THREADPOOL_SIZE", text, 1);
	w->free_batch = b->next_free;
	w->busy++;
	(void)uv_queue_work(w->loop, &b->req, run_batch, on_batch_done);
}

struct work *work_uv_new(struct uv_loop_s *loop, unsigned threads, unsigned pool_threads)
{
	struct work_uv *w = xcalloc(1, sizeof *w);

	w->base.submit = submit;
	w->loop = loop;
	w->threads = threads;
	w->last_next = &w->first;
	w->batches = xcalloc(threads, sizeof *w->batches);
	for (unsigned i = 0; i < threads; i++) {
		w->batches[i].owner = w;
		w->batches[i].req.data = &w->batches[i];
		w->batches[i].next_free = w->free_batch;
		w->free_batch = &w->batches[i];
	}
	(void)uv_check_init(loop, &w->check);
	(void)uv_idle_init(loop, &w->idle);
	w->check.data = w->idle.data = w;
	w->handles = 2;
	(void)uv_check_start(&w->check, on_check);
	uv_unref((uv_handle_t *)&w->check);
	start_threads(w, pool_threads);
	return &w->base;
}

static void on_closed(uv_handle_t *handle)
{
	struct work_uv *w = handle->data;

	if (--w->handles > 0)
		return;
	free(w->batches);
	free(w);
}

static void close_if_done(struct work_uv *w)
{
	if (!w->closing || w->busy > 0 || w->waiting > 0 || uv_is_closing((uv_handle_t *)&w->check))
		return;
	uv_close((uv_handle_t *)&w->check, on_closed);
	uv_close((uv_handle_t *)&w->idle, on_closed);
}

void work_uv_free(struct work **work)
{
	struct work_uv *w = (struct work_uv *)*work;

	if (w == NULL)
		return;
	*work = NULL;
	w->closing = true;
	close_if_done(w);
}
