/* What decoder.c (the bytes' way in and out) and decoder_process.c (the process, which knows nothing of decoder.c but what it is
 * given to call) share; nobody else includes it. */
#ifndef MEDIA_DECODER_INTERNAL_H
#define MEDIA_DECODER_INTERNAL_H

#include <uv.h>

#include "base/buffer.h"
#include "base/error.h"
#include "media/decoder.h"
#include "media/reason.h"
#include "media/splice.h"
#include "media/timed.h"

enum decoder_state {
	DECODER_LOOKS, /* until it is known whether the file can be read as it comes */
	DECODER_KEEPS, /* the file, until its end */
	DECODER_RUNS,  /* the process has been started */
	DECODER_RESTS, /* it has ended well, and another recording may begin */
	DECODER_OVER,  /* it has been told how it ended, or wants to hear no more */
	DECODER_STATES
};

enum { DECODER_OUT_BYTES = 16384 };

struct decoders {
	uv_loop_t *loop;
	char *helper; /* owned */
	struct decoder_config cfg;
	unsigned n;
};

/* What the process tells. */
struct decoder_hands {
	void (*on_out)(struct decoder *d, const uint8_t *bytes,
	    size_t n); /* lent until on_out is called again */
	void (*on_took)(struct decoder *d,
	    int status); /* what was written to it has been read, or never will be */
	/* It has ended, and all it wrote has been told; NULL: well. */
	void (*on_over)(struct decoder *d, const struct error *why);
	void (*on_closed)(struct decoder *d); /* one handle less */
};

struct decoder {
	struct decoders *all;
	const struct decoder_hands *hands;
	struct decoder_config cfg; /* what held when it began */
	struct decoder_job job;
	const struct decoder_events *events;
	void *arg;
	enum decoder_state state;
	struct splice splice;
	struct buffer input; /* of this recording, not on its way to the process yet */
	struct buffer next;  /* from the beginning of the next one on */
	bool has_next;
	bool channels_told;   /* of this recording */
	struct buffer moving; /* what the write under way has */
	bool writing;
	bool deaf;     /* it reads no more; what comes is dropped */
	bool finished; /* no more comes */
	bool complete; /* of this recording */
	bool full, paused;
	bool keeps; /* the file is kept until its end, and read from there */
	int file;   /* where; -1: not now */
	size_t kept_n, kept_this_turn;
	struct timed timed;   /* what the process has written */
	uint64_t past_ms;     /* of audio, of the recordings before */
	uint64_t part_n;      /* bytes of this one's audio, without silence in its holes */
	struct error failure; /* told in the next turn of the loop; ERROR_NONE: none */
	struct reason reason;
	uv_write_t write;
	uv_process_t process;
	uv_pipe_t in, out, said;
	uv_timer_t watch; /* nothing is heard of it; OVER: it was killed, and has not ended */
	uv_timer_t turn;  /* what must not be told from inside */
	unsigned handles; /* not closed; at 0 one that is over is freed */
	bool running, out_ended, said_ended;
	bool left; /* it does not end, and counts no more */
	int64_t exit_status;
	int exit_signal;
	uint8_t out_bytes[DECODER_OUT_BYTES];
	char said_bytes[1024];
};

/* decoder_process.c */
/* Runs it on what is kept, or with a pipe to write to. */
int decoder_process_start(struct decoder *d, struct error *err);
void decoder_process_kill(struct decoder *d);
/* It was killed and does not end: its slot is free, the loop does not wait for it. */
void decoder_process_leave(struct decoder *d);
void decoder_slot_give_back(struct decoder *d); /* of decoder_max */
void decoder_process_read(
    struct decoder *d); /* as long as it is not paused and all that came was taken */
void decoder_process_settle(struct decoder *d); /* all that came was taken */
void decoder_process_write(struct decoder *d);  /* what is in `moving` */
void decoder_process_close_input(struct decoder *d);
/* A handle has been initialised or is to be closed. */
void decoder_handle_add(struct decoder *d, uv_handle_t *handle);
void decoder_handle_close(uv_handle_t *handle); /* no effect on one that was not */

#endif
