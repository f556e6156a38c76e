#define _GNU_SOURCE
#include "models/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/util.h"

static int map(struct mapped *m, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	if (st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	*m = (struct mapped){ p, (size_t)st.st_size };
	return 0;
}

int mapped_open(struct mapped *m, const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	*m = (struct mapped){ (const uint8_t *)"", 0 };
	rc = fd < 0 ? -1 : map(m, fd);
	fd_close(&fd);
	return rc == 0 ? 0 : error_set_errno(err, ERROR_CONFIG, "cannot read %.160s", path);
}

void mapped_done(struct mapped *m)
{
	if (m->n > 0)
		(void)munmap((void *)(uintptr_t)m->data, m->n);
	*m = (struct mapped){ NULL, 0 };
}
