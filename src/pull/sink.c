#define _GNU_SOURCE
#include "pull/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/sum.h"

enum { BUFFER_BYTES = 1 << 17 };

struct sink {
	struct sink_config cfg;
	FILE *file; /* owned */
	struct sum *sum;
	uint64_t done;
};

static int fail(const struct sink *s, struct error *err)
{
	return error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", s->cfg.path);
}

int sink_restart(struct sink *s, struct error *err)
{
	sum_free(&s->sum);
	s->sum = sum_new();
	s->done = 0;
	if (fflush(s->file) != 0 || ftruncate(fileno(s->file), 0) < 0 ||
	    fseeko(s->file, 0, SEEK_SET) < 0)
		return fail(s, err);
	return 0;
}

/* To the end of what is there. */
static int take_in(struct sink *s, struct error *err)
{
	char *block = xcalloc(1, BUFFER_BYTES);
	size_t n;

	while ((n = fread(block, 1, BUFFER_BYTES, s->file)) > 0) {
		sum_add(s->sum, block, n);
		s->done += n;
	}
	free(block);
	if (ferror(s->file) || fseeko(s->file, 0, SEEK_END) < 0)
		return fail(s, err);
	return s->done <= s->cfg.bytes ? 0 : sink_restart(s, err);
}

int sink_open(struct sink **out, const struct sink_config *cfg, struct error *err)
{
	int fd = open(cfg->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct sink *s = xcalloc(1, sizeof *s);

	s->cfg = *cfg;
	s->sum = sum_new();
	s->file = fd < 0 ? NULL : fdopen(fd, "r+");
	if (s->file == NULL) {
		(void)fail(s, err);
		fd_close(&fd);
		sink_free(&s);
		return -1;
	}
	if (take_in(s, err) < 0) {
		sink_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

uint64_t sink_done(const struct sink *s)
{
	return s->done;
}

uint64_t sink_total(const struct sink *s)
{
	return s->cfg.bytes;
}

int sink_write(void *sink, const void *bytes, size_t n, struct error *err)
{
	struct sink *s = sink;

	if (n > s->cfg.bytes - s->done) {
		if (sink_restart(s, err) < 0)
			return -1;
		return error_set(err, ERROR_CONFIG,
		    "what came is another file: it has more than the model's %llu bytes",
		    (unsigned long long)s->cfg.bytes);
	}
	if (fwrite(bytes, 1, n, s->file) != n)
		return fail(s, err);
	sum_add(s->sum, bytes, n);
	s->done += n;
	if (s->cfg.on_progress != NULL)
		s->cfg.on_progress(s->cfg.arg, s->done, s->cfg.bytes);
	return 0;
}

int sink_finish(struct sink *s, struct error *err)
{
	char is[SUM_HEX_BYTES];

	if (fflush(s->file) != 0)
		return fail(s, err);
	if (s->done != s->cfg.bytes)
		return error_set(err, ERROR_PEER, "it ended after %llu of %llu bytes",
		    (unsigned long long)s->done, (unsigned long long)s->cfg.bytes);
	sum_finish(&s->sum, is);
	if (strcasecmp(is, s->cfg.sha256) == 0)
		return 0;
	if (sink_restart(s, err) < 0)
		return -1;
	return error_set(err, ERROR_CONFIG,
	    "what came is another file: its SHA-256 is %.16s..., not %.16s...", is, s->cfg.sha256);
}

void sink_free(struct sink **s)
{
	if (*s == NULL)
		return;
	if ((*s)->file != NULL)
		(void)fclose((*s)->file);
	sum_free(&(*s)->sum);
	free(*s);
	*s = NULL;
}
