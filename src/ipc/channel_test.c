/* Messages over a socket pair, with and without descriptors, and what is no message. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "ipc/channel.h"

static struct channel_inbox inbox;

static const struct ipc_message spawned = { .type = IPC_SPAWNED,
	.spawn = { .instance = 5, .carries = IPC_CARRIES_ALL } };
static const struct ipc_message ready = { .type = IPC_READY };

static unsigned open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	assert_int_equal(closedir(dir), 0);
	return n;
}

struct pair {
	int fds[2];
	int pipe[2];     /* something to pass on */
	unsigned before; /* descriptors open with these four */
};

static int setup(void **state)
{
	struct pair *p = xcalloc(1, sizeof *p);
	struct error err;

	*state = p;
	if (channel_pair(p->fds, &err) < 0 || pipe2(p->pipe, O_CLOEXEC) < 0)
		return -1;
	p->before = open_fds();
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	for (int i = 0; i < 2; i++) {
		fd_close(&p->fds[i]);
		fd_close(&p->pipe[i]);
	}
	free(p);
	return 0;
}

static enum channel_status receive(struct pair *p, struct ipc_message *m, struct error *err)
{
	*err = (struct error)ERROR_INIT;
	return channel_receive(p->fds[1], &inbox, m, err);
}

/* Sends raw bytes with descriptors as channel_send never would. */
static void send_raw(struct pair *p, const void *bytes, size_t n, const int *fds, size_t fds_n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fds_n > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds_n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fds_n * sizeof(int));
	}
	assert_int_equal(sendmsg(p->fds[0], &msg, 0), n);
}

static void send_with_fds(struct pair *p, const struct ipc_message *m, size_t fds_n)
{
	uint8_t packet[IPC_PACKET_MAX];
	int fds[16];
	struct error err;
	int n = ipc_encode(m, packet, sizeof packet, &err);

	assert_true(n > 0);
	for (size_t i = 0; i < fds_n; i++)
		fds[i] = p->pipe[1];
	send_raw(p, packet, (size_t)n, fds, fds_n);
}

static void test_messages_come_in_order_and_whole(void **state)
{
	struct pair *p = *state;
	struct ipc_message m = { .type = IPC_PROGRESS };
	struct error err;

	for (m.progress.samples = 0; m.progress.samples < 20; m.progress.samples++)
		assert_int_equal(channel_send(p->fds[0], &m, NULL, 0, &err), CHANNEL_OK);
	for (uint64_t i = 0; i < 20; i++) {
		assert_int_equal(receive(p, &m, &err), CHANNEL_OK);
		assert_int_equal(m.progress.samples, i);
		assert_int_equal(inbox.fds_n, 0);
	}
}

static void test_passed_descriptors_are_the_same_files_and_close_on_exec(void **state)
{
	struct pair *p = *state;
	int fds[3] = { p->pipe[1], p->pipe[0], p->pipe[1] };
	struct ipc_message m;
	struct error err;
	char c = 0;

	assert_int_equal(channel_send(p->fds[0], &spawned, fds, 3, &err), CHANNEL_OK);
	assert_int_equal(receive(p, &m, &err), CHANNEL_OK);
	assert_int_equal(m.spawn.instance, 5);
	assert_int_equal(inbox.fds_n, 3);
	assert_int_equal(open_fds(), p->before + 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(fcntl(inbox.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(inbox.fds[0], "x", 1), 1);
	assert_int_equal(read(p->pipe[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	for (size_t i = 0; i < 3; i++)
		fd_close(&inbox.fds[i]);
}

static void test_descriptors_with_a_message_that_carries_none_are_closed(void **state)
{
	struct pair *p = *state;
	struct ipc_message m;
	struct error err;

	send_with_fds(p, &ready, 1);
	assert_int_equal(receive(p, &m, &err), CHANNEL_FAILED);
	assert_string_equal(err.text, "READY message with 1 descriptors instead of 0");
	assert_int_equal(inbox.fds_n, 0);
	assert_int_equal(open_fds(), p->before);
}

static void test_any_other_number_of_descriptors_is_refused(void **state)
{
	struct pair *p = *state;
	struct ipc_message m;
	struct error err;

	for (size_t n = 0; n <= 16; n++) {
		if (n == 3)
			continue;
		send_with_fds(p, &spawned, n);
		assert_int_equal(receive(p, &m, &err), CHANNEL_FAILED);
		assert_int_equal(err.code, ERROR_PEER);
		assert_int_equal(inbox.fds_n, 0);
		assert_int_equal(open_fds(), p->before);
	}
}

static void test_it_carries_what_it_says_it_carries(void **state)
{
	static const uint32_t fewer[] = { IPC_CARRIES_SOCKET,
		IPC_CARRIES_SOCKET | IPC_CARRIES_STDERR, IPC_CARRIES_SOCKET | IPC_CARRIES_PIDFD };
	struct pair *p = *state;
	struct ipc_message m = spawned;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(fewer); i++) {
		size_t n = i == 0 ? 1 : 2;

		m.spawn.carries = fewer[i];
		send_with_fds(p, &m, n);
		assert_int_equal(receive(p, &m, &err), CHANNEL_OK);
		assert_int_equal(m.spawn.carries, fewer[i]);
		assert_int_equal(inbox.fds_n, n);
		while (n > 0)
			fd_close(&inbox.fds[--n]);
		send_with_fds(p, &m, 3);
		assert_int_equal(receive(p, &m, &err), CHANNEL_FAILED);
		assert_int_equal(open_fds(), p->before);
	}
}

/* Room for one more descriptor, where three come. */
static void test_descriptors_that_find_no_room_are_told_from_a_broken_peer(void **state)
{
	struct pair *p = *state;
	struct rlimit before, tight;
	struct ipc_message m;
	struct error err;
	int next = dup(p->fds[0]);

	(void)close(next);
	send_with_fds(p, &spawned, 3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = (rlim_t)next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(receive(p, &m, &err), CHANNEL_SHORT);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(m.spawn.instance, 5);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_int_equal(inbox.fds_n, 0);
	assert_int_equal(open_fds(), p->before);
}

static void test_descriptors_with_garbage_are_closed(void **state)
{
	struct pair *p = *state;
	struct ipc_message m;
	struct error err;
	int fds[3] = { p->pipe[0], p->pipe[0], p->pipe[0] };

	send_raw(p, "garbage", 7, fds, 3);
	assert_int_equal(receive(p, &m, &err), CHANNEL_FAILED);
	assert_int_equal(err.code, ERROR_PEER);
	assert_int_equal(open_fds(), p->before);
	send_raw(p, "", 0, fds, 3);
	assert_int_equal(receive(p, &m, &err), CHANNEL_CLOSED);
	assert_int_equal(open_fds(), p->before);
}

static void test_a_packet_that_is_too_large_is_refused(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX + 100];
	struct pair *p = *state;
	struct ipc_message m;
	struct error err;

	send_raw(p, packet, sizeof packet, NULL, 0);
	assert_int_equal(receive(p, &m, &err), CHANNEL_FAILED);
	assert_int_equal(err.code, ERROR_PEER);
	assert_non_null(strstr(err.text, "65536"));
	assert_int_equal(channel_send(p->fds[0], &ready, NULL, 0, &err), CHANNEL_OK);
	assert_int_equal(receive(p, &m, &err), CHANNEL_OK);
}

static void test_what_cannot_be_encoded_is_not_sent(void **state)
{
	struct pair *p = *state;
	const struct ipc_message bad = { .type = IPC_AUDIO };
	struct ipc_message m;
	struct error err;

	assert_int_equal(channel_send(p->fds[0], &bad, NULL, 0, &err), CHANNEL_FAILED);
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_int_equal(channel_set_nonblocking(p->fds[1], &err), 0);
	assert_int_equal(receive(p, &m, &err), CHANNEL_AGAIN);
}

static void test_a_full_socket_says_again_and_loses_nothing(void **state)
{
	struct pair *p = *state;
	struct ipc_message m = { .type = IPC_PROGRESS };
	uint64_t sent = 0, got = 0;
	struct error err;

	assert_int_equal(channel_set_nonblocking(p->fds[0], &err), 0);
	assert_int_equal(channel_set_nonblocking(p->fds[1], &err), 0);
	while (channel_send(p->fds[0], &m, NULL, 0, &err) == CHANNEL_OK)
		m.progress.samples = ++sent;
	assert_true(sent > 10);
	assert_int_equal(channel_send(p->fds[0], &m, NULL, 0, &err), CHANNEL_AGAIN);
	while (receive(p, &m, &err) == CHANNEL_OK)
		assert_int_equal(m.progress.samples, got++);
	assert_int_equal(got, sent);
}

static void test_a_closed_peer_is_no_error_and_no_signal(void **state)
{
	struct pair *p = *state;
	struct ipc_message m;
	struct error err;

	fd_close(&p->fds[0]);
	assert_int_equal(receive(p, &m, &err), CHANNEL_CLOSED);
	assert_int_equal(channel_send(p->fds[1], &ready, NULL, 0, &err), CHANNEL_CLOSED);
}

static void test_last_words_are_heard_though_the_peer_left_mail_unread(void **state)
{
	struct pair *p = *state;
	struct ipc_message m;
	struct error err;

	assert_int_equal(channel_send(p->fds[1], &ready, NULL, 0, &err), CHANNEL_OK);
	assert_int_equal(channel_send(p->fds[0], &ready, NULL, 0, &err), CHANNEL_OK);
	fd_close(&p->fds[0]);
	assert_int_equal(receive(p, &m, &err), CHANNEL_OK);
	assert_int_equal(m.type, IPC_READY);
	assert_int_equal(receive(p, &m, &err), CHANNEL_CLOSED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_messages_come_in_order_and_whole),
		T(test_passed_descriptors_are_the_same_files_and_close_on_exec),
		T(test_descriptors_with_a_message_that_carries_none_are_closed),
		T(test_any_other_number_of_descriptors_is_refused),
		T(test_it_carries_what_it_says_it_carries),
		T(test_descriptors_that_find_no_room_are_told_from_a_broken_peer),
		T(test_descriptors_with_garbage_are_closed),
		T(test_a_packet_that_is_too_large_is_refused),
		T(test_what_cannot_be_encoded_is_not_sent),
		T(test_a_full_socket_says_again_and_loses_nothing),
		T(test_a_closed_peer_is_no_error_and_no_signal),
		T(test_last_words_are_heard_though_the_peer_left_mail_unread),
	};
#undef T
	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
