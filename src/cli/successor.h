/* successor: runs the program that is to take over, with our listening sockets. Server process. */
#ifndef CLI_SUCCESSOR_H
#define CLI_SUCCESSOR_H

#include <stdbool.h>

struct error;

struct successor_config {
	const char *program; /* its path */
	char *const *argv;   /* ended by NULL */
	const int *fds;      /* listening sockets; borrowed */
	unsigned fds_n;      /* <= INHERIT_MAX */
	const char *names;   /* theirs, "main:vosk"; lent */
	bool kept;           /* inherit.h */
	int ready_fd;        /* it gets it for its word that it serves */
};

struct successor {
	int server;  /* the pid of the new server */
	int watcher; /* the pid of our child that started it, and ends as it ends */
};

/* -1: a sentence. Nothing of ours is open in the server but what it is given, and 0 to 2.
 *
 * When the watcher is killed, or we are gone, whoever takes in orphans becomes the server's parent. That is what a service
 * manager has to be to notice how its main process ends (systemd supervises no other: it would not even wait for one that it
 * stops). */
int successor_start(const struct successor_config *cfg, struct successor *out, struct error *err);

#endif
