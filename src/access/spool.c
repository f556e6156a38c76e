#define _GNU_SOURCE
#include "access/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"

struct spool {
	int fd;
	size_t n;
	void *map;     /* NULL: not yet, or nothing was written */
	size_t read_n; /* since its pages went */
};

enum { RESIDENT_BYTES = 4 << 20 };

struct spool *spool_new(const char *dir, struct error *err)
{
	char path[PATH_MAX];
	struct spool *s;
	int fd;

	(void)snprintf(path, sizeof path, "%s/stenopool-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		(void)error_set_errno(
		    err, ERROR_SYSTEM, "the file cannot be kept in spool_dir %s", dir);
		return NULL;
	}
	(void)unlink(path);
	s = xcalloc(1, sizeof *s);
	s->fd = fd;
	return s;
}

int spool_write(struct spool *s, const void *bytes, size_t n, struct error *err)
{
	const uint8_t *from = bytes;

	while (n > 0) {
		ssize_t done = write(s->fd, from, n);

		if (done < 0 && errno != EINTR)
			return error_set_errno(
			    err, ERROR_SYSTEM, "the file cannot be kept in spool_dir");
		done = MAX(done, 0);
		from += done;
		n -= (size_t)done;
		s->n += (size_t)done;
	}
	return 0;
}

const void *spool_map(struct spool *s, size_t *n_out, struct error *err)
{
	void *map;

	*n_out = s->n;
	if (s->n == 0)
		return "";
	map = mmap(NULL, s->n, PROT_READ, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED) {
		(void)error_set_errno(err, ERROR_SYSTEM, "the file cannot be read in spool_dir");
		return NULL;
	}
	(void)madvise(map, s->n, MADV_SEQUENTIAL);
	s->map = map;
	return map;
}

void spool_was_read(struct spool *s, size_t n)
{
	s->read_n += n;
	if (s->read_n < RESIDENT_BYTES || s->map == NULL)
		return;
	s->read_n = 0;
	(void)madvise(s->map, s->n, MADV_DONTNEED);
}

void spool_free(struct spool **spool)
{
	struct spool *s = *spool;

	*spool = NULL;
	if (s == NULL)
		return;
	if (s->map != NULL)
		(void)munmap(s->map, s->n);
	fd_close(&s->fd);
	free(s);
}
