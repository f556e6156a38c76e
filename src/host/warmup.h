/* warmup: what makes a loaded engine fit to be forked: it has decoded a clip, so that newborns come with all
 * that an engine fills at first use. Host process. */
#ifndef HOST_WARMUP_H
#define HOST_WARMUP_H

struct engine;
struct engine_ops;
struct error;
struct hugepages;

/* `path`: the clip (host/clip.h). Leaves the engine reset, and in *pages what newborns write to, which it
 * learns from a child that hears the beginning of the clip again. Needs a single-threaded process. */
int warmup_engine(const struct engine_ops *ops, struct engine *engine, const char *path,
    struct hugepages *pages, struct error *err);

#endif
