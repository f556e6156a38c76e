/* batch: a program that is many instances. Each instance has a socket of its own to the server, as everywhere; here its messages are
 * given a row and go to the one socket of the program, and what that says goes back by its row. Host process; it has no thread and waits
 * for nothing: its descriptors are polled with the host's. */
#ifndef HOST_BATCH_H
#define HOST_BATCH_H

#include <stddef.h>
#include <stdint.h>

struct batch;
struct channel_inbox;
struct error;
struct pollfd;
struct spawned;

struct batch_config {     /* `line` and `inbox` are borrowed */
	const char *line; /* the program, for people */
	unsigned rows;
	unsigned row_timeout_ms; /* for a row that is over to be free again */
	struct channel_inbox *inbox;
	void (*on_over)(void *arg, uint64_t instance);
	void *arg;
};

/* Takes the program over: its HELLO has been read. */
struct batch *batch_new(const struct batch_config *cfg, struct spawned *program);
void batch_free(struct batch **batch); /* kills the program */

/* A row for a newborn: *fd is the server's end of its socket. -1: none is free. */
int batch_open(struct batch *b, uint64_t instance, int *fd, struct error *err);

size_t batch_polls(const struct batch *b); /* at most */
size_t batch_poll(struct batch *b, struct pollfd *pfds, int *timeout_ms);
/* What is ready. Should the program be at fault it is killed, and batch_end says why when it has ended. */
void batch_attend(struct batch *b, const struct pollfd *pfds, size_t n);

int batch_pid(const struct batch *b);
/* The program has ended: passes on what it said before, and says in *why what became of it. Returns the status that its
 * instances ended with. Nothing but batch_free may follow. */
int batch_end(struct batch *b, int wait_status, struct error *why);

#endif
