/* Whether the program's socket has room is asked before anything is read that would go there, so nothing that was read is ever kept: as long
 * as it has none the server's ends fill up, and the server waits as it does for any instance. */
#define _GNU_SOURCE
#include "host/batch.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "host/program.h"
#include "host/rows.h"
#include "host/spawn.h"
#include "ipc/channel.h"

enum { MESSAGES_A_TURN = 64, MESSAGES_OF_A_ROW = 4, PROGRAM_POLLS = 2 };

struct line {               /* of a row, to the server */
	int fd;             /* -1: the row is not open */
	uint64_t closed_ns; /* CLOSING: since when */
};

struct batch {
	struct batch_config cfg;
	struct spawned program;
	struct rows *rows;  /* owned */
	struct line *lines; /* owned; [row], from 1 */
	unsigned *polled;   /* owned; the rows in the order in which they were polled */
	bool full;          /* the program's socket had no room when it was last asked */
	bool silent;        /* it has closed its socket, or is not heard any more */
	bool killed;        /* by us */
	uint64_t silent_ns; /* since when */
	struct error why;   /* ERROR_NONE: it did no wrong that we know */
};

struct batch *batch_new(const struct batch_config *cfg, struct spawned *program)
{
	struct batch *b = xcalloc(1, sizeof *b);
	struct error ignored;

	b->cfg = *cfg;
	b->program = *program;
	program->pid = 0;
	(void)channel_set_nonblocking(b->program.fds[SPAWN_SOCKET], &ignored);
	b->rows = rows_new(cfg->rows);
	b->lines = xcalloc(cfg->rows + 1, sizeof *b->lines);
	b->polled = xcalloc(cfg->rows, sizeof *b->polled);
	for (unsigned row = 0; row <= cfg->rows; row++)
		b->lines[row].fd = -1;
	return b;
}

void batch_free(struct batch **batch)
{
	struct batch *b = *batch;

	*batch = NULL;
	if (b == NULL)
		return;
	if (b->program.pid > 0)
		spawn_reap(b->program.pid);
	spawn_close(&b->program);
	for (unsigned row = 1; row <= b->cfg.rows; row++)
		fd_close(&b->lines[row].fd);
	rows_free(&b->rows);
	free(b->lines);
	free(b->polled);
	free(b);
}

/* Its end will be told; until then nothing goes to it or comes from it. */
static void kill_program(struct batch *b)
{
	b->silent = b->killed = true;
	if (b->program.pid > 0)
		(void)kill(b->program.pid, SIGKILL);
}

static void blame(struct batch *b, const struct error *why)
{
	if (b->why.code == ERROR_NONE)
		b->why = *why;
	kill_program(b);
}

static bool has_room(struct batch *b)
{
	struct pollfd pfd = { b->program.fds[SPAWN_SOCKET], POLLOUT, 0 };

	if (b->silent)
		return false;
	b->full = poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLOUT) == 0;
	return !b->full;
}

/* Where there is room. What a program that has gone is not told does not matter. */
static void tell_program(struct batch *b, struct ipc_message *m, unsigned row)
{
	struct error err;

	m->row = (uint16_t)row;
	if (channel_send(b->program.fds[SPAWN_SOCKET], m, NULL, 0, &err) == CHANNEL_FAILED)
		blame(b, &err);
}

static void say_goodbye(struct batch *b, unsigned row)
{
	struct ipc_message abort = { .type = IPC_ABORT, .epoch = rows_epoch(b->rows, row) };
	struct ipc_message reset = { .type = IPC_RESET };

	if (abort.epoch != 0)
		tell_program(b, &abort, row);
	tell_program(b, &reset, row);
	rows_said_goodbye(b->rows, row);
}

static void close_row(struct batch *b, unsigned row)
{
	fd_close(&b->lines[row].fd);
	b->lines[row].closed_ns = clock_now_ns();
	rows_close(b->rows, row);
}

static void tell_server(struct batch *b, struct ipc_message *m, unsigned row)
{
	struct error err;
	enum channel_status sent;

	m->row = 0;
	sent = channel_send(b->lines[row].fd, m, NULL, 0, &err);
	if (sent == CHANNEL_OK || (sent == CHANNEL_AGAIN && m->type == IPC_PROGRESS))
		return;
	if (sent != CHANNEL_CLOSED)
		(void)fprintf(stderr,
		    "program '%s', row %u: it says more than is heard, giving it up\n", b->cfg.line,
		    row);
	close_row(b, row);
}

static void pass(struct batch *b, struct ipc_message *m)
{
	unsigned row = m->row;
	struct error err;

	switch (rows_hear(b->rows, row, m->type)) {
	case ROWS_PASS:
		tell_server(b, m, row);
		break;
	case ROWS_OVER:
		b->cfg.on_over(b->cfg.arg, rows_instance(b->rows, row));
		break;
	case ROWS_WRONG:
		(void)error_set(&err, ERROR_PEER,
		    "program '%s' sent %s of row %u, which is not in use or may not say that",
		    b->cfg.line, ipc_type_name(m->type), row);
		blame(b, &err);
		break;
	case ROWS_DROP:
	default:
		break;
	}
}

/* False: there is no more now, or for ever. */
static bool hear_program(struct batch *b)
{
	struct channel_inbox *inbox = b->cfg.inbox;
	struct ipc_message m;
	struct error err;
	enum channel_status got = channel_receive(b->program.fds[SPAWN_SOCKET], inbox, &m, &err);

	for (size_t i = 0; i < inbox->fds_n; i++)
		fd_close(&inbox->fds[i]);
	inbox->fds_n = 0;
	if (got == CHANNEL_OK) {
		pass(b, &m);
		return !b->killed;
	}
	if (got == CHANNEL_CLOSED) {
		b->silent = true;
		b->silent_ns = clock_now_ns();
	} else if (got != CHANNEL_AGAIN) {
		(void)error_prefix(&err, "program '%s' spoke garbage", b->cfg.line);
		blame(b, &err);
	}
	return false;
}

/* One message of the server's; false: there is none. */
static bool hear_server(struct batch *b, unsigned row)
{
	struct ipc_message m;
	struct error err;
	enum channel_status got = channel_receive(b->lines[row].fd, b->cfg.inbox, &m, &err);

	if (got == CHANNEL_AGAIN)
		return false;
	if (got == CHANNEL_OK) {
		rows_told(b->rows, row, &m);
		tell_program(b, &m, row);
		return true;
	}
	if (got != CHANNEL_CLOSED)
		(void)fprintf(stderr, "row %u: %s\n", row, err.text);
	close_row(b, row);
	return false;
}

static void hear_row(struct batch *b, unsigned row)
{
	for (int i = 0; i < MESSAGES_OF_A_ROW && rows_is_open(b->rows, row) && has_room(b); i++)
		if (!hear_server(b, row))
			return;
}

static void pass_on_log(struct batch *b)
{
	char bytes[4096];
	ssize_t n = read(b->program.fds[SPAWN_STDERR], bytes, sizeof bytes);

	if (n > 0)
		(void)!write(STDERR_FILENO, bytes, (size_t)n);
	else
		fd_close(&b->program.fds[SPAWN_STDERR]);
}

/* Children of its own may go on writing. */
static void pass_on_last_words(struct batch *b)
{
	struct pollfd pfd = { b->program.fds[SPAWN_STDERR], POLLIN, 0 };

	for (int i = 0; i < MESSAGES_A_TURN && pfd.fd >= 0 && poll(&pfd, 1, 0) == 1; i++) {
		pass_on_log(b);
		pfd.fd = b->program.fds[SPAWN_STDERR];
	}
}

int batch_open(struct batch *b, uint64_t instance, int *fd, struct error *err)
{
	struct ipc_message reset = { .type = IPC_RESET };
	int ends[2];
	unsigned row;

	if (b->silent || !has_room(b))
		return error_set(err, ERROR_BUSY, "program '%s' does not listen", b->cfg.line);
	if (spawn_socket(ends, err) < 0)
		return -1;
	row = rows_take(b->rows, instance);
	if (row == 0 || channel_set_nonblocking(ends[1], err) < 0) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return error_set(
		    err, ERROR_BUSY, "all %u rows of the program are taken", b->cfg.rows);
	}
	b->lines[row].fd = ends[1];
	*fd = ends[0];
	tell_program(b, &reset, row);
	return 0;
}

size_t batch_polls(const struct batch *b)
{
	return PROGRAM_POLLS + b->cfg.rows;
}

/* When something is to be done though nothing has come; UINT64_MAX: nothing is. */
static uint64_t due_ns(const struct batch *b)
{
	uint64_t patience_ns = b->cfg.row_timeout_ms * NS_PER_MS, at_ns = UINT64_MAX;

	if (b->silent)
		return b->killed ? UINT64_MAX : b->silent_ns + patience_ns;
	for (unsigned row = 1; row <= b->cfg.rows; row++)
		if (rows_is_closing(b->rows, row))
			at_ns = MIN(at_ns, b->lines[row].closed_ns + patience_ns);
	return at_ns;
}

static int timeout_ms(uint64_t at_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (at_ns == UINT64_MAX)
		return -1;
	return at_ns <= now_ns ? 0 : (int)((at_ns - now_ns) / NS_PER_MS) + 1;
}

size_t batch_poll(struct batch *b, struct pollfd *pfds, int *timeout_ms_out)
{
	size_t n = PROGRAM_POLLS;

	pfds[0] = (struct pollfd){ b->silent ? -1 : b->program.fds[SPAWN_SOCKET],
		(short)(POLLIN | (b->full ? POLLOUT : 0)), 0 };
	pfds[1] = (struct pollfd){ b->program.fds[SPAWN_STDERR], POLLIN, 0 };
	for (unsigned row = 1; row <= b->cfg.rows && !b->full && !b->silent; row++) {
		if (b->lines[row].fd < 0)
			continue;
		b->polled[n - PROGRAM_POLLS] = row;
		pfds[n++] = (struct pollfd){ b->lines[row].fd, POLLIN, 0 };
	}
	*timeout_ms_out = timeout_ms(due_ns(b));
	return n;
}

static void check_times(struct batch *b)
{
	struct error err;

	if (clock_now_ns() < due_ns(b))
		return;
	if (b->silent)
		(void)error_set(
		    &err, ERROR_PEER, "program '%s' closed its socket and lives on", b->cfg.line);
	else
		(void)error_set(&err, ERROR_TIMEOUT,
		    "program '%s' keeps a row that was to be given up for param.row_timeout_ms %u",
		    b->cfg.line, b->cfg.row_timeout_ms);
	blame(b, &err);
}

void batch_attend(struct batch *b, const struct pollfd *pfds, size_t n)
{
	if (pfds[1].revents != 0)
		pass_on_log(b);
	if ((pfds[0].revents & POLLOUT) != 0)
		b->full = false;
	if (pfds[0].revents != 0)
		for (int i = 0; i < MESSAGES_A_TURN && !b->silent && hear_program(b); i++)
			continue;
	for (size_t i = PROGRAM_POLLS; i < n && !b->silent; i++)
		if (pfds[i].revents != 0)
			hear_row(b, b->polled[i - PROGRAM_POLLS]);
	for (unsigned row = 1; row <= b->cfg.rows; row++)
		if (rows_owes_goodbye(b->rows, row) && has_room(b))
			say_goodbye(b, row);
	check_times(b);
}

int batch_pid(const struct batch *b)
{
	return b->program.pid;
}

/* Its instances did not come to their ends by what killed it, if that was us. */
int batch_end(struct batch *b, int wait_status, struct error *why)
{
	char how[96];

	b->program.pid = 0;
	while (!b->silent && hear_program(b))
		continue;
	pass_on_last_words(b);
	*why = b->why;
	if (why->code != ERROR_NONE)
		return W_EXITCODE(1, 0);
	program_word_end(how, sizeof how, wait_status);
	(void)error_set(why, ERROR_ENGINE, "program '%s' %s", b->cfg.line, how);
	return wait_status;
}
