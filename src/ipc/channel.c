/* One message is one packet. Descriptors that come along and do not belong to it are closed, so that nobody can fill our table. */
#define _GNU_SOURCE
#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/util.h"

/* Room for the headers of one array of descriptors. CMSG_SPACE rounds up, so that one more than
 * CHANNEL_FDS_MAX may come without MSG_CTRUNC. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

static size_t fds_of(const struct ipc_message *m)
{
	size_t n = 0;

	for (uint32_t left = m->type == IPC_SPAWNED ? m->spawn.carries : 0; left != 0; left >>= 1)
		n += left & 1;
	return n;
}

int channel_pair(int fds_out[2], struct error *err)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pair of sockets");
	fds_out[0] = fds[0];
	fds_out[1] = fds[1];
	return 0;
}

int channel_set_nonblocking(int fd, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_set_errno(
		    err, ERROR_SYSTEM, "cannot make descriptor %d non-blocking", fd);
	return 0;
}

static void attach_fds(struct msghdr *msg, union control *control, const int *fds, size_t fds_n)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof *control);
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(fds_n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, fds_n * sizeof(int));
}

enum channel_status channel_send(
    int fd, const struct ipc_message *m, const int *fds, size_t fds_n, struct error *err)
{
	uint8_t packet[IPC_PACKET_MAX];
	union control control;
	int n = ipc_encode(m, packet, sizeof packet, err);
	struct iovec iov = { packet, n < 0 ? 0 : (size_t)n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	assert(fds_n == fds_of(m));
	if (n < 0)
		return CHANNEL_FAILED;
	if (fds_n > 0)
		attach_fds(&msg, &control, fds, fds_n);
	do
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return CHANNEL_OK;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return CHANNEL_AGAIN;
	if (errno == EPIPE || errno == ECONNRESET)
		return CHANNEL_CLOSED;
	(void)error_set_errno(
	    err, ERROR_SYSTEM, "cannot send a %s message of %d bytes", ipc_type_name(m->type), n);
	return CHANNEL_FAILED;
}

static void close_fds(struct channel_inbox *inbox)
{
	for (size_t i = 0; i < inbox->fds_n; i++)
		fd_close(&inbox->fds[i]);
	inbox->fds_n = 0;
}

/* Keeps up to CHANNEL_FDS_MAX descriptors, closes those beyond. Returns how many came. */
static size_t take_fds(struct msghdr *msg, struct channel_inbox *inbox)
{
	size_t came = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++, came++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (inbox->fds_n < CHANNEL_FDS_MAX)
				inbox->fds[inbox->fds_n++] = fd;
			else
				fd_close(&fd);
		}
	}
	return came;
}

/* A peer that closes with messages of ours unread makes the first receive say ECONNRESET; what it had
 * sent before, its last words, is still there for the second. */
static ssize_t receive_packet(int fd, struct msghdr *msg)
{
	bool was_reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(fd, msg, MSG_CMSG_CLOEXEC);
		if (n >= 0 || (errno != EINTR && (errno != ECONNRESET || was_reset)))
			return n;
		was_reset = was_reset || errno == ECONNRESET;
	}
}

static enum channel_status status_of_errno(struct error *err)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return CHANNEL_AGAIN;
	if (errno == ECONNRESET)
		return CHANNEL_CLOSED;
	(void)error_set_errno(err, ERROR_SYSTEM, "cannot receive a message");
	return CHANNEL_FAILED;
}

static int check_packet(
    const struct channel_inbox *inbox, const struct ipc_message *m, size_t came, struct error *err)
{
	size_t want = fds_of(m);

	if (came != want || inbox->fds_n != want)
		return error_set(err, ERROR_PEER, "%s message with %zu descriptors instead of %zu",
		    ipc_type_name(m->type), came, want);
	return 0;
}

/* The kernel gives what it can where descriptors run out, and says that it was not all. */
static enum channel_status come_short(struct channel_inbox *inbox, const struct ipc_message *m,
    struct ipc_message *out, struct error *err)
{
	close_fds(inbox);
	*out = *m;
	(void)error_set(err, ERROR_SYSTEM,
	    "instance %llu came without its descriptors: no more may be open",
	    (unsigned long long)m->spawn.instance);
	return CHANNEL_SHORT;
}

enum channel_status channel_receive(
    int fd, struct channel_inbox *inbox, struct ipc_message *out, struct error *err)
{
	union control control;
	struct iovec iov = { inbox->packet, sizeof inbox->packet };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	struct ipc_message m;
	ssize_t n;
	size_t came;

	inbox->fds_n = 0;
	n = receive_packet(fd, &msg);
	if (n < 0)
		return status_of_errno(err);
	came = take_fds(&msg, inbox);
	if (n == 0) { /* an empty packet looks the same, and no peer sends one */
		close_fds(inbox);
		return CHANNEL_CLOSED;
	}
	if ((msg.msg_flags & MSG_TRUNC) != 0)
		(void)error_set(err, ERROR_PEER, "message of more than %d bytes", IPC_PACKET_MAX);
	else if (ipc_decode(inbox->packet, (size_t)n, inbox->words, &m, err) < 0)
		; /* worded there */
	else if ((msg.msg_flags & MSG_CTRUNC) != 0 && m.type == IPC_SPAWNED && came < fds_of(&m))
		return come_short(inbox, &m, out, err);
	else if ((msg.msg_flags & MSG_CTRUNC) != 0)
		(void)error_set(
		    err, ERROR_PEER, "message of more than %d descriptors", CHANNEL_FDS_MAX);
	else if (check_packet(inbox, &m, came, err) == 0) {
		*out = m;
		return CHANNEL_OK;
	}
	close_fds(inbox);
	return CHANNEL_FAILED;
}
