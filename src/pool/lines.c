#define _GNU_SOURCE
#include "pool/lines.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"

enum {
	LINE_MAX_BYTES = 800,
	/* Read at most; the child waits for the rest, but not long: it may be a host, of which answers are expected. */
	PACE_BYTES = 65536,
	PACE_MS = 10,
};

struct lines {
	struct lines *prev, *next;
	uv_pipe_t pipe;
	uv_timer_t window; /* runs from its first line on */
	uv_timer_t pace;   /* runs while enough has been read for now */
	unsigned handles;  /* not closed; at 0 it is freed */
	char name[64];
	char line[LINE_MAX_BYTES];
	size_t n;
	size_t read_n;             /* bytes since the pace began anew */
	unsigned printed, dropped; /* in this window */
};

static struct lines *first; /* of all that are open */
static unsigned max_lines = 100;

void lines_set_max(unsigned max)
{
	max_lines = max;
}

static void end_window(struct lines *l)
{
	if (l->dropped > 0)
		log_warn("%s: wrote %u more lines, which are not logged: child_lines_max %u in "
			 "%u s",
		    l->name, l->dropped, max_lines, LINES_WINDOW_MS / 1000);
	l->printed = l->dropped = 0;
}

static void on_window_over(uv_timer_t *timer)
{
	end_window(timer->data);
}

static void print_line(struct lines *l)
{
	if (l->n == 0)
		return;
	if (!uv_is_active((uv_handle_t *)&l->window))
		(void)uv_timer_start(&l->window, on_window_over, LINES_WINDOW_MS, 0);
	if (l->printed < max_lines) {
		l->printed++;
		log_warn("%s: %.*s", l->name, (int)l->n, l->line);
	} else {
		l->dropped++;
		metric_add(METRIC_child_lines_dropped_total, 1);
	}
	l->n = 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char shared[4096]; /* read and used up within one turn of the loop */

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(shared, sizeof shared);
}

static void on_closed(uv_handle_t *handle)
{
	struct lines *l = handle->data;

	if (--l->handles == 0)
		free(l);
}

static void stop(struct lines *l)
{
	end_window(l);
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		first = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	uv_close((uv_handle_t *)&l->pipe, on_closed);
	uv_close((uv_handle_t *)&l->window, on_closed);
	uv_close((uv_handle_t *)&l->pace, on_closed);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_paced(uv_timer_t *timer)
{
	struct lines *l = timer->data;

	l->read_n = 0;
	(void)uv_read_start((uv_stream_t *)&l->pipe, on_alloc, on_read);
}

static void keep_pace(struct lines *l, size_t n)
{
	l->read_n += n;
	if (l->read_n < PACE_BYTES)
		return;
	(void)uv_read_stop((uv_stream_t *)&l->pipe);
	(void)uv_timer_start(&l->pace, on_paced, PACE_MS, 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct lines *l = stream->data;

	for (ssize_t i = 0; i < n; i++) {
		if (buf->base[i] == '\n' || l->n == LINE_MAX_BYTES)
			print_line(l);
		if (buf->base[i] != '\n')
			l->line[l->n++] = buf->base[i];
	}
	if (n >= 0) {
		keep_pace(l, (size_t)n);
		return;
	}
	print_line(l);
	stop(l);
}

/* A child that outlives us must not keep the loop. */
static void add_handle(struct lines *l, uv_handle_t *handle)
{
	handle->data = l;
	l->handles++;
	uv_unref(handle);
}

void lines_start(struct uv_loop_s *loop, int fd, const char *name)
{
	struct lines *l = xcalloc(1, sizeof *l);

	(void)strncpy(l->name, name, sizeof l->name - 1);
	(void)uv_pipe_init(loop, &l->pipe, 0);
	(void)uv_timer_init(loop, &l->window);
	(void)uv_timer_init(loop, &l->pace);
	add_handle(l, (uv_handle_t *)&l->pipe);
	add_handle(l, (uv_handle_t *)&l->window);
	add_handle(l, (uv_handle_t *)&l->pace);
	l->next = first;
	if (first != NULL)
		first->prev = l;
	first = l;
	if (uv_pipe_open(&l->pipe, fd) != 0) {
		fd_close(&fd);
		stop(l);
		return;
	}
	(void)uv_read_start((uv_stream_t *)&l->pipe, on_alloc, on_read);
}

void lines_stop_all(void)
{
	while (first != NULL)
		stop(first);
}
