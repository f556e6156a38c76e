/* sink: the file that a model is written to while it comes: counted, summed up, and refused as soon as it is longer than it may
 * be. What is not the model in the end does not stay. Command line; blocks on the disk. */
#ifndef PULL_SINK_H
#define PULL_SINK_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct sink;

/* So many bytes are there of so many. */
typedef void sink_progress_f(void *arg, uint64_t done, uint64_t total);

struct sink_config {
	const char *path;   /* borrowed */
	const char *sha256; /* what it has to become; borrowed */
	uint64_t bytes;
	sink_progress_f *on_progress; /* may be NULL */
	void *arg;
};

/* Goes on behind what the file has, which is summed up first, or begins anew if it has too much. -1: it cannot be written. */
int sink_open(struct sink **out, const struct sink_config *cfg, struct error *err);
uint64_t sink_done(const struct sink *s);
uint64_t sink_total(const struct sink *s);           /* what it is to have in the end */
int sink_restart(struct sink *s, struct error *err); /* all that was there is gone */
/* Has the form of convert_write_f. -1: more than the model has, and then it is empty from
 * here on, or the disk does not take it. */
int sink_write(void *sink, const void *bytes, size_t n, struct error *err);
/* Whether it is the model now. If it is not, though it is as long, it is empty from here on; *err says what is wrong. */
int sink_finish(struct sink *s, struct error *err);
void sink_free(struct sink **s); /* what was written stays; NULL is fine */

#endif
