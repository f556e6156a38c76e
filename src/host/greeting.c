/* The first word of a program. It is looked at and left in the socket, for the server to hear it as well. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "host/program.h"
#include "ipc/channel.h"

enum { ENDS_WITHIN_MS = 2000 };

struct greeting {
	const struct program *program;
	struct spawned *spawned;
	struct channel_inbox *inbox;
	uint64_t until_ns;
	unsigned timeout_ms;
	bool log_ended;
};

/* What it has written goes where we write. */
static void pass_on_log(struct greeting *g)
{
	char bytes[4096];
	ssize_t n = read(g->spawned->fds[SPAWN_STDERR], bytes, sizeof bytes);

	if (n > 0)
		(void)!write(STDERR_FILENO, bytes, (size_t)n);
	else
		g->log_ended = true;
}

/* All that was written before it ended. */
static void pass_on_last_words(struct greeting *g)
{
	struct pollfd pfd = { g->spawned->fds[SPAWN_STDERR], POLLIN, 0 };

	for (int i = 0; i < 64 && !g->log_ended && poll(&pfd, 1, 0) == 1; i++)
		pass_on_log(g);
}

static int left_ms(const struct greeting *g)
{
	uint64_t now_ns = clock_now_ns();

	return now_ns >= g->until_ns ? 0 : (int)((g->until_ns - now_ns) / NS_PER_MS) + 1;
}

/* It has closed its socket: most likely it ends. */
static int refuse_ended(struct greeting *g, struct error *err)
{
	struct pollfd pfd = { g->spawned->fds[SPAWN_PIDFD], POLLIN, 0 };
	int status;
	char how[96];

	if (poll(&pfd, 1, MIN(left_ms(g), ENDS_WITHIN_MS)) == 1 &&
	    waitpid(g->spawned->pid, &status, WNOHANG) == g->spawned->pid) {
		g->spawned->pid = 0;
		program_word_end(how, sizeof how, status);
	} else {
		(void)snprintf(how, sizeof how, "closed its socket");
	}
	pass_on_last_words(g);
	return error_set(
	    err, ERROR_ENGINE, "program '%s' %s before it said HELLO", g->program->line, how);
}

static int check(const struct greeting *g, const struct ipc_message *m, struct error *err)
{
	const struct ipc_traits *t = &m->hello.traits;
	const char *line = g->program->line;
	unsigned wanted = g->program->isolation;

	if (m->type != IPC_HELLO)
		return error_set(err, ERROR_PEER, "program '%s' said %s, where HELLO comes first",
		    line, ipc_type_name(m->type));
	if (m->row != 0)
		return error_set(err, ERROR_PEER, "program '%s' said HELLO for row %u; it is row 0",
		    line, m->row);
	if (t->isolation != IPC_BEARS_PROCESS && t->isolation != IPC_BEARS_BATCH)
		return error_set(err, ERROR_PEER,
		    "program '%s' says isolation %u; a program is either an instance (%d) or many "
		    "(%d)",
		    line, t->isolation, IPC_BEARS_PROCESS, IPC_BEARS_BATCH);
	if (wanted != 0 && wanted != t->isolation)
		return error_set(err, ERROR_CONFIG,
		    "program '%s' is for isolation %s, and param.isolation is %s", line,
		    t->isolation == IPC_BEARS_BATCH ? "batch" : "process",
		    wanted == IPC_BEARS_BATCH ? "batch" : "process");
	if ((t->isolation == IPC_BEARS_BATCH) != (t->rows > 0))
		return error_set(err, ERROR_PEER,
		    "program '%s' says it has %u rows; one that is batch has 1 or more, others 0",
		    line, t->rows);
	return 0;
}

/* A version that is not ours may have a HELLO of another form: its beginning stays the same. */
static int check_version(
    const struct greeting *g, const uint8_t *packet, size_t n, struct error *err)
{
	uint32_t version;

	if (n < 20 || (packet[0] | packet[1] << 8) != IPC_HELLO)
		return 0;
	version = packet[16] | (uint32_t)packet[17] << 8 | (uint32_t)packet[18] << 16 |
	    (uint32_t)packet[19] << 24;
	if (version == IPC_VERSION)
		return 0;
	return error_set(err, ERROR_PEER,
	    "program '%s' speaks version %u of the protocol, %d is needed", g->program->line,
	    version, IPC_VERSION);
}

static int look(struct greeting *g, struct ipc_hello *out, struct error *err)
{
	struct channel_inbox *inbox = g->inbox;
	ssize_t n = recv(g->spawned->fds[SPAWN_SOCKET], inbox->packet, sizeof inbox->packet,
	    MSG_PEEK | MSG_DONTWAIT);
	struct ipc_message m;

	if (n <= 0)
		return refuse_ended(g, err);
	if (check_version(g, inbox->packet, (size_t)n, err) < 0)
		return -1;
	if (ipc_decode(inbox->packet, (size_t)n, inbox->words, &m, err) < 0)
		return error_prefix(err, "program '%s' said what is no HELLO", g->program->line);
	if (check(g, &m, err) < 0)
		return -1;
	*out = m.hello;
	return 0;
}

/* 1: there is something to look at, 0: not yet, -1. */
static int wait_on(struct greeting *g, struct error *err)
{
	struct pollfd pfds[] = { { g->spawned->fds[SPAWN_SOCKET], POLLIN, 0 },
		{ g->log_ended ? -1 : g->spawned->fds[SPAWN_STDERR], POLLIN, 0 } };
	int ms = left_ms(g);

	if (ms == 0)
		return error_set(err, ERROR_TIMEOUT,
		    "program '%s' has not said HELLO within load_timeout_ms %u", g->program->line,
		    g->timeout_ms);
	if (poll(pfds, 2, ms) <= 0)
		return 0;
	if (pfds[1].revents != 0)
		pass_on_log(g);
	return pfds[0].revents != 0;
}

/* A tenth before the server loses its patience, so that ours are the words. */
int program_greet(const struct program *p, struct spawned *s, unsigned timeout_ms,
    struct channel_inbox *inbox, struct ipc_hello *out, struct error *err)
{
	struct greeting g = { .program = p,
		.spawned = s,
		.inbox = inbox,
		.until_ns = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS / 10 * 9,
		.timeout_ms = timeout_ms };
	int got;

	do
		got = wait_on(&g, err);
	while (got == 0);
	if (got > 0 && look(&g, out, err) == 0)
		return 0;
	if (s->pid > 0)
		spawn_reap(s->pid);
	spawn_close(s);
	return -1;
}
