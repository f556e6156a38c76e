/* instance: the loop of one recogniser: messages in, messages out, over one socket. It trusts the server:
 * a message that does not fit ends the process, with a line on stderr.
 *
 *   IDLE     waits for BEGIN
 *   HEARING  takes AUDIO, PARTIAL_REQUEST, EAGER_REQUEST and CANCEL, until END or ABORT
 *   ENDING   computes the final; only ABORT is heard, and CANCEL does no harm
 *   DEAF     the utterance has failed; what the server had sent before it knew is ignored
 *
 * Audio reaches the engine in blocks of IPC_BLOCK_SAMPLES however it was sent. Between blocks all that
 * is queued is read, so that an ABORT is heard at once, and a partial is answered only when all audio
 * that came before is decoded: of several requests the last.
 *
 * While the engine computes, what is queued is read as often as it tells of its progress. A partial in work is broken off by
 * CANCEL, ABORT and END, everything by ABORT and by the end of the socket. Every 100 ms of that the server is
 * told that the engine is alive.
 *
 * An EAGER_REQUEST is answered when all audio is decoded, and before it a partial that was asked for; if partials are decoded anew,
 * instead of that.
 *
 * Instance process, or a thread with an engine of its own; blocks. All that it needs is its own, so that one process can have
 * several. (What it says of memory and CPU time is of the process; memory_open() is called before threads are started.) */
#ifndef HOST_INSTANCE_H
#define HOST_INSTANCE_H

#include "base/clock.h"

struct confine;
struct engine;
struct engine_ops;
struct hugepages;
struct ipc_traits;

struct instance_config { /* all borrowed */
	const struct engine_ops *ops;
	struct engine *engine;
	const struct ipc_traits *traits; /* of the engine as it is loaded; NULL: those of `ops` */
	const struct hugepages *pages;   /* taken at the first BEGIN; NULL: none */
	struct confine
	    *confine; /* entered by a process of its own; NULL: it is as free as its parent */
	clock_now_f *now_ns; /* tells when PROGRESS is due again; NULL: the system's clock */
	void *clock_arg;
};

enum {
	INSTANCE_QUEUE_SAMPLES = 30 * 16000, /* audio read ahead; more stays in the socket */
};

/* Sends READY and serves until the other end of `fd` is closed: 0; or until the server breaks the protocol
 * or the engine cannot go on: 1. Makes `fd` non-blocking; borrows all. */
int instance_run(int fd, const struct instance_config *cfg);

#endif
