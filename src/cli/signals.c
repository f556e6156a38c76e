#define _GNU_SOURCE
#include "cli/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "base/util.h"

struct watch {
	uv_signal_t handle;
	const struct signal_row *row; /* borrowed */
	struct signals *signals;
};

struct signals {
	void *arg; /* borrowed */
	size_t n, open;
	struct watch watches[];
};

static void on_signal(uv_signal_t *handle, int signum)
{
	const struct watch *w = handle->data;

	(void)signum;
	w->row->act(w->signals->arg, w->row->name);
}

struct signals *signals_new(
    struct uv_loop_s *loop, const struct signal_row *rows, size_t n, void *arg)
{
	struct signals *s = xcalloc(1, sizeof *s + n * sizeof s->watches[0]);

	s->arg = arg;
	s->n = s->open = n;
	for (size_t i = 0; i < n; i++) {
		struct watch *w = &s->watches[i];

		w->row = &rows[i];
		w->signals = s;
		(void)uv_signal_init(loop, &w->handle);
		w->handle.data = w;
		(void)uv_signal_start(&w->handle, on_signal, rows[i].number);
	}
	return s;
}

static void on_closed(uv_handle_t *handle)
{
	const struct watch *w = handle->data;

	if (--w->signals->open == 0)
		free(w->signals);
}

void signals_free(struct signals **signals)
{
	struct signals *s = *signals;

	*signals = NULL;
	for (size_t i = 0; s != NULL && i < s->n; i++) {
		uv_close((uv_handle_t *)&s->watches[i].handle, on_closed);
		(void)signal(s->watches[i].row->number, SIG_IGN);
	}
}
