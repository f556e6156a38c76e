/* channel: one message at a time over a SOCK_SEQPACKET socket, with descriptors where the type carries
 * them. Blocking or not is the socket's own mode. Both sides; one thread a channel. */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

struct error;

enum { CHANNEL_FDS_MAX = 3 };

enum channel_status {
	CHANNEL_OK,
	CHANNEL_AGAIN,  /* non-blocking: nothing there, or no room */
	CHANNEL_CLOSED, /* the other end is gone */
	CHANNEL_SHORT,  /* SPAWNED came without its descriptors: this process may open no more */
	CHANNEL_FAILED, /* *err says why; the channel is of no more use */
};

/* A pair of connected sockets, close-on-exec, blocking. */
int channel_pair(int fds_out[2], struct error *err);
int channel_set_nonblocking(int fd, struct error *err);

/* Sends `m` and a duplicate of each of the `fds_n` descriptors. */
enum channel_status channel_send(
    int fd, const struct ipc_message *m, const int *fds, size_t fds_n, struct error *err);

/* What a receiver keeps between calls; about 90 KiB, so one for each thread, not one for each channel. */
struct channel_inbox {
	uint8_t packet[IPC_PACKET_MAX + 1];
	struct ipc_word words[IPC_WORDS_MAX];
	int fds[CHANNEL_FDS_MAX]; /* received with the last message; the receiver's to close */
	size_t fds_n;
};

/* Receives one message into *out, which borrows from *inbox until the next call. Descriptors that come
 * with a message that is refused are closed here. */
enum channel_status channel_receive(
    int fd, struct channel_inbox *inbox, struct ipc_message *out, struct error *err);

#endif
