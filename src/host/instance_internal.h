/* What the files of an instance share: instance.c hears the server, instance_work.c has the engine compute, instance_answer.c speaks. */
#ifndef HOST_INSTANCE_INTERNAL_H
#define HOST_INSTANCE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "engine/engine.h"
#include "host/fold.h"
#include "host/instance.h"
#include "host/instance_state.h"
#include "host/result.h"
#include "ipc/channel.h"

/* What becomes of the process. */
enum fate { FATE_LIVES, FATE_CLOSED, FATE_BROKEN };

/* What the engine computes that may be broken off without an end to the utterance. */
enum guess { GUESS_NONE, GUESS_PARTIAL, GUESS_EAGER };

/* Large, and touched only as far as it is used: a newborn that waits has hardly any of it in memory. */
struct room {
	struct channel_inbox inbox;
	struct result_scratch scratch;
};

struct instance {
	int fd;            /* borrowed */
	struct room *room; /* owned: pages of its own */
	const struct engine_ops *ops;
	struct engine *engine;           /* borrowed */
	const struct ipc_traits *traits; /* the engine's; borrowed */
	const struct hugepages *pages;   /* borrowed; NULL when they are taken */
	engine_progress_f *on_progress;  /* what the engine is to call, with the instance */
	clock_now_f *now_ns;
	void *clock_arg;
	enum instance_state state;
	enum fate fate;
	uint64_t signs;   /* that the engine gave since we were born */
	uint64_t told_ns; /* when PROGRESS was last sent */
	bool
	    is_copy; /* of one that hears on: it comes to the utterance's end, says what it is, and is gone */
	uint32_t copied_rss_kb; /* ... and had so much memory then */
	int copy;               /* pidfd of our own such copy; -1: there is none */

	/* of the utterance */
	uint64_t epoch, utterance;
	bool wants_partial, wants_eager;
	uint64_t
	    partial_by; /* decoded samples, from which on it is given though more audio waits */
	enum guess at;  /* what the engine computes now */
	bool cancelled; /* ... and nobody wants it */
	struct buffer audio; /* read but not decoded */
	struct fold fold;
	uint64_t decoded_samples;
	uint64_t cpu_ns_at_begin;
	uint64_t faults_at_begin;
};

/* The files, each of which calls only those above it: instance_answer.c */
void instance_step(struct instance *in, enum instance_event e);
/* It ends for that reason, which is said on stderr. */
void instance_break_off(struct instance *in, const char *why);
void instance_wait_for(
    const struct instance *in, short events); /* of poll, or the end of its copy */
void instance_answer(struct instance *in, struct ipc_message *m);
void instance_answer_ready(struct instance *in);
void instance_answer_cancelled(struct instance *in);
void instance_answer_progress(struct instance *in);
/* From inside of the engine: where there is no room, it goes on computing instead of waiting. */
void instance_show_alive(struct instance *in);
void instance_drop_guesses(struct instance *in); /* that wait, and the copy */
void instance_drop_audio(struct instance *in);   /* and these */
/* The engine gave up: because it could not, or because we told it to and the state has moved on. */
void instance_fail(struct instance *in, const struct error *err);

/* instance_work.c */
void instance_begin(struct instance *in, const struct ipc_message *m);
/* Does the most urgent thing that can be done now. False: there is none until a message comes. */
bool instance_work(struct instance *in);

#endif
