/* inherit: listening sockets that somebody opened for us: systemd (sd_listen_fds(3)), or the server we are to take
 * over from (upgrade.h). Server process, before the loop runs. */
#ifndef CLI_INHERIT_H
#define CLI_INHERIT_H

#include <stdbool.h>

struct error;

enum { INHERIT_FIRST = 3, INHERIT_MAX = 64, INHERIT_NAME_MAX = 32 };

/* How a server tells its successor more than sd_listen_fds does. */
#define INHERIT_READY_FD "STENOPOOL_READY_FD"
#define INHERIT_KEEPER   "STENOPOOL_SOCKETS_KEPT"

struct inherited {
	int fds[INHERIT_MAX];                      /* owned by the taker, from INHERIT_FIRST on */
	char names[INHERIT_MAX][INHERIT_NAME_MAX]; /* LISTEN_FDNAMES; "": not said */
	unsigned n;                                /* 0: there are none, we open our own */
	bool kept;    /* somebody else holds them open too, and is there when we are gone */
	int ready_fd; /* owned; the old server waits here for a byte; -1: there is no old server */
};

/* Takes them, and takes the variables out of the environment so that no child believes them to be its own. -1 and a
 * sentence when one is no listening TCP socket, or they are too many. */
int inherit_take(struct inherited *out, struct error *err);
/* Tells the old server that we serve. Once; later calls do nothing. */
void inherit_say_ready(struct inherited *in);

#endif
