#define _GNU_SOURCE
#include "host/programs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/program.h"
#include "ipc/channel.h"

struct programs {
	const struct programs_config *cfg; /* borrowed */
	struct program program;
	struct channel_inbox *inbox; /* owned */
	struct spawned first;        /* not handed out yet; pid 0: there is none */
};

static int greet(struct programs *p, struct ipc_hello *hello, struct error *err)
{
	if (program_start(&p->program, false, &p->first, err) < 0)
		return -1;
	if (program_greet(&p->program, &p->first, p->cfg->load_timeout_ms, p->inbox, hello, err) ==
	    0)
		return 0;
	p->first.pid = 0;
	return -1;
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
	program_done(&p->program);
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

int programs_spawn(struct programs *p, uint64_t instance, struct spawned *out, struct error *err)
{
	(void)instance;
	return hand_out_first(p, out) ? 0 : program_start(&p->program, false, out, err);
}

bool programs_on_exit(struct programs *p, pid_t pid, int wait_status)
{
	(void)wait_status;
	if (pid != p->first.pid)
		return false;
	p->first.pid = 0;
	spawn_close(&p->first);
	return true;
}

pid_t programs_pid(const struct programs *p)
{
	return p->first.pid;
}

size_t programs_polls(const struct programs *p)
{
	(void)p;
	return 0;
}

size_t programs_poll(struct programs *p, struct pollfd *pfds, int *timeout_ms)
{
	(void)p;
	(void)pfds;
	*timeout_ms = -1;
	return 0;
}

void programs_attend(struct programs *p, const struct pollfd *pfds, size_t n)
{
	(void)p;
	(void)pfds;
	(void)n;
}
