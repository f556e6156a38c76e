/* program: a program that is an engine (docs/instance-protocol.md): how it is started, and what it has to say first. Host process,
 * which must be single-threaded. */
#ifndef HOST_PROGRAM_H
#define HOST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "host/command.h"
#include "host/profile.h"
#include "host/spawn.h"

struct channel_inbox;
struct engine_param;
struct error;
struct ipc_hello;

struct program {
	struct command command;
	char line[128];          /* the command, for people; a long one is cut */
	char **env;              /* owned, with all in it; NULL at the end */
	unsigned isolation;      /* IPC_BEARS_PROCESS, IPC_BEARS_BATCH; 0: as it says itself */
	unsigned row_timeout_ms; /* of a batch */
	struct profile profile;
};

/* From the parameters of the engine exec. -1: ERROR_CONFIG, ERROR_SYSTEM; then program_done is not needed. */
int program_init(struct program *p, const struct engine_param *params, size_t params_n,
    bool confine, bool core_dumps, struct error *err);
void program_done(struct program *p);

/* Starts it, with its socket as descriptor 3. With `dies_with_us` it is killed when this process ends. -1 also when it cannot be
 * run, in words that name it. */
int program_start(
    const struct program *p, bool dies_with_us, struct spawned *out, struct error *err);

/* Waits until it says HELLO, and writes what it writes to stderr to ours. HELLO stays in the socket. *out borrows from *inbox. -1 and one
 * sentence: it ended, said nothing in time, or something else; or this is no HELLO of ours. Then it has been ended. */
int program_greet(const struct program *p, struct spawned *s, unsigned timeout_ms,
    struct channel_inbox *inbox, struct ipc_hello *out, struct error *err);

/* "ended with status 3" */
void program_word_end(char *text, size_t cap, int wait_status);

#endif
