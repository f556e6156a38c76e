/* decoder: a container's bytes go in, 16-bit mono at 16 kHz comes out (or all its channels),  made by ffmpeg in a process of its own, which is
 * confined (decoder/cage.h). Bytes may come over time or at once; both ways are held back when the other end is slow, so
 * that memory is bounded. Server process, loop thread only. */
#ifndef MEDIA_DECODER_H
#define MEDIA_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/sniff.h"

struct decoder;
struct decoders;
struct error;
struct uv_loop_s;

enum { DECODER_RATE_HZ = 16000 };

struct decoder_config {
	char *program;          /* ffmpeg; a path, or a name that is looked for in PATH */
	unsigned timeout_ms;    /* without progress it is killed, while nobody holds it back */
	unsigned max_memory_mb; /* of address space */
	unsigned max_audio_s;   /* decoded; a file that has more is refused */
	unsigned max;           /* processes at once */
	size_t max_body_bytes;  /* of a file that must be kept until its end has come */
	size_t piece_bytes;     /* the most that decoder_feed is given at once; 0: little */
};

/* Borrows all; of cfg the text alone, which must stay until the next decoders_reconfigure. `helper` is the path of
 * stenopool-decoder. */
struct decoders *decoders_new(
    struct uv_loop_s *loop, const char *helper, const struct decoder_config *cfg);
/* For those that begin from now on. */
void decoders_reconfigure(struct decoders *all, const struct decoder_config *cfg);
/* When the loop has run to its end: none may be left. */
void decoders_free(struct decoders **all);

/* Each may free the decoder. None is called from inside a function of this header. */
struct decoder_events {
	/* Lent; any number of bytes, whole samples or not, at most a second's. */
	void (*on_audio)(void *arg, const uint8_t *bytes, size_t n);
	/* It takes bytes again after decoder_feed returned false. */
	void (*on_drain)(void *arg);
	/* All has been decoded (NULL), or why not: ERROR_INVALID is the file's fault, ERROR_LIMIT too, and names the
	 * setting. The decoder is gone then. */
	void (*on_end)(void *arg, const struct error *why);
};

struct decoder_job {
	enum container container;
	bool live; /* its bytes come as they are spoken: audio comes out as soon as it can */
	bool
	    apart; /* its channels are not mixed: what comes out is a WAV file, of 16 bits at 16 kHz, that says how many there are */
};

/* NULL and a sentence when there are too many of them (ERROR_BUSY). Borrows events and arg. */
struct decoder *decoder_new(struct decoders *all, const struct decoder_job *job,
    const struct decoder_events *events, void *arg, struct error *err);
/* Takes all of it; false: enough for now, call no more before on_drain (what is sent all the same is taken up to a bound,
 * then the decoder fails). */
bool decoder_feed(struct decoder *d, const void *bytes, size_t n);
void decoder_finish(struct decoder *d); /* the file has ended; no decoder_feed any more */
/* No on_audio between the two, and no on_end while audio is left. */
void decoder_pause(struct decoder *d);
void decoder_resume(struct decoder *d);
/* Kills it; no event comes any more. NULL is fine. */
void decoder_free(struct decoder **d);

#endif
