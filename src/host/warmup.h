/* warmup: what makes a loaded engine fit to be forked: it has decoded a clip, so that newborns come with all
 * that an engine fills at first use. Host process. */
#ifndef HOST_WARMUP_H
#define HOST_WARMUP_H

#include <stddef.h>
#include <stdint.h>

struct engine;
struct engine_ops;
struct error;
struct hugepages;

struct warmup {           /* a clip; zeroed: none */
	int16_t *samples; /* owned */
	size_t n;
};

/* `path`: as host/clip.h has it. */
int warmup_read(struct warmup *w, const char *path, struct error *err);
void warmup_done(struct warmup *w);

/* Leaves the engine reset, and in *pages what newborns write to, which it learns from a child that hears the
 * beginning of the clip again. Needs a single-threaded process. */
int warmup_engine(const struct engine_ops *ops, struct engine *engine, const struct warmup *clip,
    struct hugepages *pages, struct error *err);

#endif
