#define _GNU_SOURCE
#include "base/log_sink.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/test_rows.h"

static const char line[] =
    "2026-01-31T12:00:00.123Z info session 17: a line like any other of the log\n";
enum { LINE_BYTES = sizeof line - 1, LINES_MAX = 1 << 20 };

static void make_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

static void make_sockets(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void make_terminal(int fds[2])
{
	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fds[0] >= 0);
	assert_int_equal(grantpt(fds[0]), 0);
	assert_int_equal(unlockpt(fds[0]), 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fds[1] >= 0);
}

struct row {
	const char *name;
	void (*make)(int fds[2]); /* [0] is read, [1] written */
	enum log_sink_kind kind;
};

static struct row full[] = {
	{ "a pipe that nobody reads loses lines and does not block", make_pipe, LOG_SINK_OWN },
	{ "a socket that nobody reads loses lines and does not block", make_sockets,
	    LOG_SINK_SOCKET },
	{ "a terminal that is stopped loses lines and does not block", make_terminal,
	    LOG_SINK_OWN },
};

static struct row again[] = {
	{ "what a pipe took is whole lines, and it flows again when it is read", make_pipe,
	    LOG_SINK_OWN },
	{ "what a socket took is whole lines, and it flows again when it is read", make_sockets,
	    LOG_SINK_SOCKET },
	{ "what a terminal took is whole lines, and it flows again when it is read", make_terminal,
	    LOG_SINK_OWN },
};

static size_t write_until_lost(struct log_sink *s)
{
	size_t n = 0;

	while (log_sink_write(s, line, LINE_BYTES)) {
		n++;
		assert_true(n < LINES_MAX);
	}
	return n;
}

/* All that is there, without the returns that a terminal adds. */
static size_t read_all(int fd, char *text, size_t cap)
{
	size_t n = 0, kept = 0;
	ssize_t got;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (n < cap && (got = read(fd, text + n, cap - n)) > 0)
		n += (size_t)got;
	for (size_t i = 0; i < n; i++)
		if (text[i] != '\r')
			text[kept++] = text[i];
	return kept;
}

static void test_full(void **state)
{
	const struct row *r = *state;
	struct log_sink s;
	int fds[2];

	r->make(fds);
	log_sink_init(&s, fds[1]);
	assert_int_equal(s.kind, r->kind);
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0); /* others have it, too */
	assert_true(write_until_lost(&s) > 0);
	assert_false(log_sink_flows(&s));
	assert_false(log_sink_write(&s, line, LINE_BYTES));
	assert_int_equal(s.lost, 2);
	log_sink_done(&s);
	close(fds[0]);
	close(fds[1]);
}

static void test_flows_again(void **state)
{
	enum { CAP = 8 << 20 };
	const struct row *r = *state;
	char *text = malloc(CAP);
	struct log_sink s;
	size_t lines, n;
	int fds[2];

	r->make(fds);
	log_sink_init(&s, fds[1]);
	lines = write_until_lost(&s);
	n = read_all(fds[0], text, CAP);
	while (!log_sink_flows(&s)) /* the rest of a line that was taken in part */
		n += read_all(fds[0], text + n, CAP - n);
	assert_true(log_sink_write(&s, line, LINE_BYTES));
	n += read_all(fds[0], text + n, CAP - n);
	assert_int_equal(n, (lines + 1) * LINE_BYTES);
	for (size_t i = 0; i < n; i += LINE_BYTES)
		assert_memory_equal(text + i, line, LINE_BYTES);
	log_sink_done(&s);
	close(fds[0]);
	close(fds[1]);
	free(text);
}

static void test_full_disk(void **state)
{
	struct log_sink s;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	log_sink_init(&s, fd);
	assert_false(log_sink_write(&s, line, LINE_BYTES));
	assert_int_equal(s.lost, 1);
	log_sink_done(&s);
	close(fd);
}

int main(void)
{
	struct CMUnitTest tests[2 * ARRAY_SIZE(full) + 1];
	size_t n = 0;

	TEST_ROWS(tests, n, full, test_full);
	TEST_ROWS(tests, n, again, test_flows_again);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_full_disk);
	return cmocka_run_group_tests_name("log_sink", tests, NULL, NULL);
}
