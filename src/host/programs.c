#define _GNU_SOURCE
#include "host/programs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/batch.h"
#include "host/program.h"
#include "ipc/channel.h"

struct programs {
	const struct programs_config *cfg; /* borrowed */
	struct program program;
	struct channel_inbox *inbox;      /* owned; has the HELLO */
	struct channel_inbox *rows_inbox; /* owned; of the batch */
	struct spawned first;             /* not handed out yet; pid 0: there is none */
	struct batch *batch;              /* owned; NULL: each instance is a process */
};

/* HELLO was only looked at: it would be in the way of what the rows say. */
static void start_batch(struct programs *p, unsigned rows)
{
	const struct batch_config cfg = { .line = p->program.line,
		.rows = rows,
		.row_timeout_ms = p->program.row_timeout_ms,
		.inbox = xcalloc(1, sizeof *cfg.inbox),
		.on_over = p->cfg->on_over,
		.arg = p->cfg->arg };
	char byte;

	p->rows_inbox = cfg.inbox;
	(void)recv(p->first.fds[SPAWN_SOCKET], &byte, sizeof byte, 0);
	p->batch = batch_new(&cfg, &p->first);
}

/* One that may be all instances must not outlive us, who carry what is said. */
static int greet(struct programs *p, struct ipc_hello *hello, struct error *err)
{
	bool dies_with_us = p->program.isolation == IPC_BEARS_BATCH;

	if (program_start(&p->program, dies_with_us, &p->first, err) < 0)
		return -1;
	if (program_greet(&p->program, &p->first, p->cfg->load_timeout_ms, p->inbox, hello, err) <
	    0) {
		p->first.pid = 0;
		return -1;
	}
	if (hello->traits.isolation == IPC_BEARS_BATCH)
		start_batch(p, hello->traits.rows);
	return 0;
}

int programs_new(struct programs **out, const struct programs_config *cfg, struct ipc_hello *hello,
    struct error *err)
{
	struct programs *p = xcalloc(1, sizeof *p);

	p->cfg = cfg;
	if (program_init(
		&p->program, cfg->params, cfg->params_n, cfg->confine, cfg->core_dumps, err) < 0) {
		free(p);
		return -1;
	}
	p->inbox = xcalloc(1, sizeof *p->inbox);
	if (greet(p, hello, err) < 0) {
		programs_free(&p);
		return -1;
	}
	*out = p;
	return 0;
}

void programs_free(struct programs **programs)
{
	struct programs *p = *programs;

	*programs = NULL;
	if (p == NULL)
		return;
	if (p->first.pid > 0) {
		spawn_reap(p->first.pid);
		spawn_close(&p->first);
	}
	batch_free(&p->batch);
	program_done(&p->program);
	free(p->rows_inbox);
	free(p->inbox);
	free(p);
}

/* So that a heavy model is not loaded twice for the first instance. */
static bool hand_out_first(struct programs *p, struct spawned *out)
{
	if (p->first.pid <= 0)
		return false;
	*out = p->first;
	p->first.pid = 0;
	return true;
}

static int spawn_row(struct programs *p, uint64_t instance, struct spawned *out, struct error *err)
{
	*out = (struct spawned){ batch_pid(p->batch), { -1, -1, -1 } };
	return batch_open(p->batch, instance, &out->fds[SPAWN_SOCKET], err);
}

int programs_spawn(struct programs *p, uint64_t instance, struct spawned *out, struct error *err)
{
	if (p->batch != NULL)
		return spawn_row(p, instance, out, err);
	return hand_out_first(p, out) ? 0 : program_start(&p->program, false, out, err);
}

static void end_batch(struct programs *p, int wait_status)
{
	struct error why;

	wait_status = batch_end(p->batch, wait_status, &why);
	batch_free(&p->batch);
	p->cfg->on_broken(p->cfg->arg, &why, wait_status);
}

bool programs_on_exit(struct programs *p, pid_t pid, int wait_status)
{
	if (p->batch != NULL && pid == batch_pid(p->batch)) {
		end_batch(p, wait_status);
		return true;
	}
	if (pid != p->first.pid)
		return false;
	p->first.pid = 0;
	spawn_close(&p->first);
	return true;
}

pid_t programs_pid(const struct programs *p)
{
	return p->batch != NULL ? batch_pid(p->batch) : p->first.pid;
}

size_t programs_polls(const struct programs *p)
{
	return p->batch == NULL ? 0 : batch_polls(p->batch);
}

size_t programs_poll(struct programs *p, struct pollfd *pfds, int *timeout_ms)
{
	*timeout_ms = -1;
	return p->batch == NULL ? 0 : batch_poll(p->batch, pfds, timeout_ms);
}

void programs_attend(struct programs *p, const struct pollfd *pfds, size_t n)
{
	if (p->batch != NULL)
		batch_attend(p->batch, pfds, n);
}
