/* live_file: a file that comes while it is spoken: what it is shows in its first bytes. WAV is read here, what else
 * media/sniff.h knows is decoded by a process (media/decoder.h); raw audio comes out. One that is said to be raw audio may have
 * WAV headers in it all the same. Server process, loop thread only. */
#ifndef ACCESS_LIVE_FILE_H
#define ACCESS_LIVE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct decoders;
struct error;
struct format;
struct live_file;

/* Come from inside the functions below too. Each may call live_file_stop, none may free. */
struct live_file_events {
	/* Before the first audio, and where another recording of another format begins. */
	void (*on_format)(void *arg, const struct format *f);
	void (*on_audio)(void *arg, const void *bytes, size_t n); /* lent */
	/* It takes bytes again after live_file_feed returned false. */
	void (*on_drain)(void *arg);
	/* Last: all is out after live_file_finish (NULL), or why not. */
	void (*on_end)(void *arg, const struct error *why);
};

/* Borrows all. */
struct live_file *live_file_new(
    struct decoders *decoders, const struct live_file_events *events, void *arg);
/* Of audio that is raw and in this format, which is not told again. */
struct live_file *live_file_new_raw(struct decoders *decoders, const struct format *format,
    const struct live_file_events *events, void *arg);
/* Before the first byte: a file that is decoded keeps its channels; else they are mixed. */
void live_file_keep_channels(struct live_file *f);
/* Not from inside an event. NULL is fine. */
void live_file_free(struct live_file **f);
/* Takes all; false: enough for now, to be called no more before on_drain. */
bool live_file_feed(struct live_file *f, const void *bytes, size_t n);
void live_file_finish(struct live_file *f);
/* Between the two no new audio is made, though some may come that was under way. */
void live_file_pause(struct live_file *f);
void live_file_resume(struct live_file *f);
/* No event comes any more. */
void live_file_stop(struct live_file *f);

#endif
