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

/* Its pid, which is our child's; or -1 and a sentence. Nothing of ours is open in it but what it is given, and 0 to 2. */
int successor_start(const struct successor_config *cfg, struct error *err);

#endif
