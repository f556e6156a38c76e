/* instance: the loop of one recogniser: messages in, messages out, over one socket. It trusts the server:
 * a message that does not fit ends the process, with a line on stderr.
 *
 *   IDLE     waits for BEGIN
 *   HEARING  takes AUDIO and PARTIAL_REQUEST, until END or ABORT
 *   ENDING   computes the final; only ABORT is heard
 *   DEAF     the utterance has failed; what the server had sent before it knew is ignored
 *
 * Audio reaches the engine in blocks of IPC_BLOCK_SAMPLES however it was sent. Between blocks all that
 * is queued is read, so that an ABORT is heard at once, and a partial is answered only when all audio
 * that came before is decoded: of several requests the last.
 *
 * Instance process (or thread); blocks. */
#ifndef HOST_INSTANCE_H
#define HOST_INSTANCE_H

struct confine;
struct engine;
struct engine_ops;
struct hugepages;

struct instance_config { /* all borrowed */
	const struct engine_ops *ops;
	struct engine *engine;
	const struct hugepages *pages; /* taken at the first BEGIN; NULL: none */
	struct confine
	    *confine; /* entered by a process of its own; NULL: it is as free as its parent */
};

enum {
	INSTANCE_QUEUE_SAMPLES = 30 * 16000, /* audio read ahead; more stays in the socket */
};

enum instance_state {
	INSTANCE_NONE, /* of a cell of the table: must not happen */
	INSTANCE_IDLE,
	INSTANCE_HEARING,
	INSTANCE_ENDING,
	INSTANCE_DEAF,
	INSTANCE_STATES,
};

enum instance_event {
	INSTANCE_ON_BEGIN,
	INSTANCE_ON_AUDIO,
	INSTANCE_ON_PARTIAL_REQUEST,
	INSTANCE_ON_END,
	INSTANCE_ON_ABORT,
	INSTANCE_ON_RESET,
	INSTANCE_ON_DONE,   /* the final is sent */
	INSTANCE_ON_FAILED, /* the engine could not */
	INSTANCE_EVENTS,
};

/* Pure: what follows. */
enum instance_state instance_next(enum instance_state s, enum instance_event e);

/* Sends READY and serves until the other end of `fd` is closed: 0; or until the server breaks the protocol
 * or the engine cannot go on: 1. Makes `fd` non-blocking; borrows all. */
int instance_run(int fd, const struct instance_config *cfg);

#endif
