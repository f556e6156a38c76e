#define _GNU_SOURCE
#include "pool/lines.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "base/util.h"

enum { LINE_MAX_BYTES = 800, LINES_PER_CHILD_MAX = 1000 };

struct lines {
	struct lines *prev, *next;
	uv_pipe_t pipe;
	char name[64];
	char line[LINE_MAX_BYTES];
	size_t n;
	unsigned printed; /* a child that never stops talking is heard so far and no further */
};

static struct lines *first; /* of all that are open */

static void print_line(struct lines *l)
{
	if (l->n > 0 && l->printed < LINES_PER_CHILD_MAX)
		log_warn("%s: %.*s", l->name, (int)l->n, l->line);
	if (l->n > 0 && ++l->printed == LINES_PER_CHILD_MAX)
		log_warn("%s: wrote %d lines, ignoring the rest", l->name, LINES_PER_CHILD_MAX);
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
	free(handle->data);
}

static void stop(struct lines *l)
{
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		first = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	uv_close((uv_handle_t *)&l->pipe, on_closed);
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
	if (n >= 0)
		return;
	print_line(l);
	stop(l);
}

void lines_start(struct uv_loop_s *loop, int fd, const char *name)
{
	struct lines *l = xcalloc(1, sizeof *l);

	(void)strncpy(l->name, name, sizeof l->name - 1);
	(void)uv_pipe_init(loop, &l->pipe, 0);
	l->pipe.data = l;
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
	uv_unref((uv_handle_t *)&l->pipe); /* a child that outlives us must not keep the loop */
}

void lines_stop_all(void)
{
	while (first != NULL)
		stop(first);
}
