/* What a program that is many instances may say, in any order, while the server opens rows, speaks to them and closes them: what reaches a
 * row is a message of row 0 that an instance may say, and the program is told nothing of a row that it was not given. The input is a list
 * of steps: a byte that says what is done, one with the row, one with a length, and what follows. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/batch.h"
#include "host/spawn.h"
#include "ipc/channel.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3, STEPS_MAX = 64, INSTANCES_MAX = STEPS_MAX };

static struct channel_inbox inbox, heard;

struct stage {
	struct batch *batch;
	int program;              /* its end */
	int lines[INSTANCES_MAX]; /* the server's ends, by instance */
	unsigned over[INSTANCES_MAX];
	unsigned n;
};

static void on_over(void *arg, uint64_t instance)
{
	struct stage *s = arg;

	if (instance >= s->n || s->over[instance]++ > 0)
		abort();
}

static void start(struct stage *s)
{
	struct batch_config cfg = { .line = "fuzz",
		.rows = ROWS,
		.row_timeout_ms = 600000,
		.inbox = &inbox,
		.on_over = on_over,
		.arg = s };
	struct spawned program = { 0, { -1, -1, -1 } };
	struct error err;
	int ends[2];

	memset(s, 0, sizeof *s);
	if (spawn_socket(ends, &err) < 0 || channel_set_nonblocking(ends[1], &err) < 0)
		abort();
	program.fds[SPAWN_SOCKET] = ends[0];
	s->program = ends[1];
	s->batch = batch_new(&cfg, &program);
}

/* What the program hears is of rows that there are. */
static void hear_as_program(struct stage *s)
{
	struct ipc_message m;
	struct error err;

	while (channel_receive(s->program, &heard, &m, &err) == CHANNEL_OK)
		if (m.row < 1 || m.row > ROWS)
			abort();
}

static void hear_as_server(struct stage *s)
{
	struct ipc_message m;
	struct error err;
	enum channel_status got;

	for (unsigned i = 0; i < s->n; i++) {
		if (s->lines[i] < 0)
			continue;
		while ((got = channel_receive(s->lines[i], &heard, &m, &err)) == CHANNEL_OK)
			if (m.row != 0 || m.type < IPC_READY || m.type == IPC_PING)
				abort();
		if (got == CHANNEL_FAILED)
			abort();
	}
}

static void turn(struct stage *s)
{
	struct pollfd pfds[2 + ROWS];
	int timeout_ms;
	size_t n;

	if (batch_polls(s->batch) > ARRAY_SIZE(pfds))
		abort();
	for (int i = 0; i < 4; i++) {
		n = batch_poll(s->batch, pfds, &timeout_ms);
		(void)poll(pfds, n, 0);
		batch_attend(s->batch, pfds, n);
		hear_as_program(s);
		hear_as_server(s);
	}
}

static void open_row(struct stage *s)
{
	struct error err;
	int fd;

	if (s->n == INSTANCES_MAX || batch_open(s->batch, s->n, &fd, &err) < 0)
		return;
	if (channel_set_nonblocking(fd, &err) < 0)
		abort();
	s->lines[s->n++] = fd;
}

static void make_message(struct ipc_message *m, const uint8_t *d, size_t n)
{
	static const uint8_t sample[2];

	memset(m, 0, sizeof *m);
	m->type = (enum ipc_type)(1 + (n > 0 ? d[0] : 0) % (IPC_TYPES - 1));
	m->epoch = n > 1 ? d[1] : 1;
	if (m->type == IPC_AUDIO)
		m->audio = (struct ipc_audio){ sample, 1 };
	if (m->type == IPC_PARTIAL || m->type == IPC_FINAL || m->type == IPC_EAGER_FINAL)
		m->result.text =
		    (struct ipc_text){ (const char *)d, (uint32_t)MIN(n, (size_t)100) };
	if (m->type == IPC_FAILED)
		m->failure.code = ERROR_ENGINE;
}

static void say_as_server(struct stage *s, unsigned instance, const uint8_t *d, size_t n)
{
	struct ipc_message m;
	struct error err;

	make_message(&m, d, n);
	if (instance < s->n && s->lines[instance] >= 0 && m.type != IPC_SPAWNED)
		(void)channel_send(s->lines[instance], &m, NULL, 0, &err);
}

static void say_as_program(struct stage *s, unsigned row, const uint8_t *d, size_t n)
{
	struct ipc_message m;
	struct error err;

	make_message(&m, d, n);
	m.row = (uint16_t)row;
	if (m.type != IPC_SPAWNED)
		(void)channel_send(s->program, &m, NULL, 0, &err);
}

static void step(struct stage *s, uint8_t what, uint8_t who, const uint8_t *d, size_t n)
{
	switch (what % 5) {
	case 0:
		open_row(s);
		break;
	case 1:
		if (who < s->n)
			fd_close(&s->lines[who]);
		break;
	case 2:
		say_as_server(s, who, d, n);
		break;
	case 3:
		say_as_program(s, who, d, n);
		break;
	default:
		(void)!send(s->program, d, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void finish(struct stage *s)
{
	struct error why;

	fd_close(&s->program);
	(void)batch_end(s->batch, 0, &why);
	batch_free(&s->batch);
	hear_as_server(s);
	for (unsigned i = 0; i < s->n; i++)
		fd_close(&s->lines[i]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setvbuf(stderr, NULL, _IOFBF, 1 << 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage s;
	unsigned steps = 0;

	start(&s);
	for (size_t i = 0; i + 3 <= size && steps < STEPS_MAX; steps++) {
		size_t n = MIN((size_t)data[i + 2], size - i - 3);

		step(&s, data[i], data[i + 1], data + i + 3, n);
		turn(&s);
		i += 3 + n;
	}
	finish(&s);
	return 0;
}
