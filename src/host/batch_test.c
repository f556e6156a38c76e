/* A program of two rows whose end is the test's, as are the server's ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/batch.h"
#include "host/spawn.h"
#include "ipc/channel.h"

enum { ROWS = 2, TURNS = 16, POLLS = 2 + ROWS };

static struct channel_inbox inbox, heard;
static struct batch *batch;
static int program;
static uint64_t over[8];
static unsigned over_n;

static void on_over(void *arg, uint64_t instance)
{
	(void)arg;
	over[over_n++] = instance;
}

static int setup(void **state)
{
	const struct batch_config cfg = { .line = "test",
		.rows = ROWS,
		.row_timeout_ms = 600000,
		.inbox = &inbox,
		.on_over = on_over };
	struct spawned s = { 0, { -1, -1, -1 } };
	struct error err;
	int ends[2];

	(void)state;
	over_n = 0;
	assert_int_equal(spawn_socket(ends, &err), 0);
	assert_int_equal(channel_set_nonblocking(ends[1], &err), 0);
	s.fds[SPAWN_SOCKET] = ends[0];
	program = ends[1];
	batch = batch_new(&cfg, &s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(&program);
	batch_free(&batch);
	return 0;
}

static void turn(void)
{
	struct pollfd pfds[POLLS];
	int timeout_ms;

	assert_int_equal(batch_polls(batch), POLLS);
	for (int i = 0; i < TURNS; i++) {
		size_t n = batch_poll(batch, pfds, &timeout_ms);

		(void)poll(pfds, n, 0);
		batch_attend(batch, pfds, n);
	}
}

static int open_row(uint64_t instance)
{
	struct error err;
	int fd;

	assert_int_equal(batch_open(batch, instance, &fd, &err), 0);
	assert_int_equal(channel_set_nonblocking(fd, &err), 0);
	return fd;
}

static bool say(int fd, enum ipc_type type, uint64_t epoch, unsigned row)
{
	static const uint8_t samples[2 * IPC_BLOCK_SAMPLES];
	struct ipc_message m = { .type = type, .epoch = epoch, .row = (uint16_t)row };
	struct error err;

	if (type == IPC_AUDIO)
		m.audio = (struct ipc_audio){ samples, IPC_BLOCK_SAMPLES };
	return channel_send(fd, &m, NULL, 0, &err) == CHANNEL_OK;
}

/* The type of the next message; IPC_NONE: there is none now. */
static enum ipc_type hear(int fd, struct ipc_message *m)
{
	struct error err;

	*m = (struct ipc_message){ .type = IPC_NONE };
	turn();
	return channel_receive(fd, &heard, m, &err) == CHANNEL_OK ? m->type : IPC_NONE;
}

static void expect(int fd, enum ipc_type type, uint64_t epoch, unsigned row)
{
	struct ipc_message m;

	assert_int_equal(hear(fd, &m), type);
	assert_int_equal(m.epoch, epoch);
	assert_int_equal(m.row, row);
}

static void test_rows_carry_both_ways(void **state)
{
	int a = open_row(11), b = open_row(12), c;
	struct error err;

	(void)state;
	expect(program, IPC_RESET, 0, 1);
	expect(program, IPC_RESET, 0, 2);
	assert_int_equal(batch_open(batch, 13, &c, &err), -1);
	assert_string_equal(err.text, "all 2 rows of the program are taken");
	assert_true(say(program, IPC_READY, 0, 2));
	expect(b, IPC_READY, 0, 0);
	assert_true(say(b, IPC_BEGIN, 7, 0));
	expect(program, IPC_BEGIN, 7, 2);
	assert_true(say(program, IPC_PROGRESS, 7, 2));
	expect(b, IPC_PROGRESS, 7, 0);
	expect(a, IPC_NONE, 0, 0);
	(void)close(a);
	(void)close(b);
}

static void test_a_row_is_free_when_it_was_forgotten(void **state)
{
	int a = open_row(11);

	(void)state;
	expect(program, IPC_RESET, 0, 1);
	assert_true(say(program, IPC_READY, 0, 1));
	assert_true(say(a, IPC_BEGIN, 7, 0));
	expect(program, IPC_BEGIN, 7, 1);
	(void)close(a);
	expect(program, IPC_ABORT, 7, 1);
	expect(program, IPC_RESET, 0, 1);
	assert_true(say(program, IPC_FINAL, 7, 1)); /* crossed it */
	turn();
	assert_int_equal(over_n, 0);
	assert_true(say(program, IPC_READY, 0, 1));
	turn();
	assert_int_equal(over_n, 1);
	assert_int_equal(over[0], 11);
	a = open_row(12);
	expect(program, IPC_RESET, 0, 1);
	(void)close(a);
}

/* Nothing is lost of what is said to a program that does not listen, and it is heard when it does again. */
static void test_a_program_that_does_not_listen_for_a_while(void **state)
{
	int a = open_row(11), b = open_row(12);
	unsigned said = 0, got = 0;
	struct ipc_message m;

	(void)state;
	assert_true(say(a, IPC_BEGIN, 7, 0));
	for (int i = 0; i < 8; i++, turn())
		while (say(a, IPC_AUDIO, 7, 0))
			said++;
	assert_true(said > 200);
	assert_true(say(b, IPC_BEGIN, 8, 0));
	for (int idle = 0; idle < 8; idle++) {
		while (hear(program, &m) != IPC_NONE) {
			got += m.type == IPC_AUDIO;
			idle = 0;
		}
	}
	assert_int_equal(got, said);
	(void)close(a);
	(void)close(b);
}

static void test_a_program_at_fault(void **state)
{
	int a = open_row(11);
	struct error why;

	(void)state;
	assert_true(say(program, IPC_READY, 0, 2));
	turn();
	assert_int_not_equal(batch_end(batch, 9, &why), 9);
	assert_string_equal(why.text,
	    "program 'test' sent READY of row 2, which is not in use or may not say that");
	(void)close(a);
}

/* Its last words are passed on. */
static void test_a_program_that_ends(void **state)
{
	int a = open_row(11);
	struct error why;

	(void)state;
	assert_true(say(program, IPC_READY, 0, 1));
	fd_close(&program);
	assert_int_equal(batch_end(batch, 9, &why), 9);
	assert_string_equal(why.text, "program 'test' was killed by signal 9 (Killed)");
	expect(a, IPC_READY, 0, 0);
	(void)close(a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_rows_carry_both_ways),
		T(test_a_row_is_free_when_it_was_forgotten),
		T(test_a_program_that_does_not_listen_for_a_while), T(test_a_program_at_fault),
		T(test_a_program_that_ends) };

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
