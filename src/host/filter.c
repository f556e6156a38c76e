#define _GNU_SOURCE
#include "host/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

static int read_program(struct filter *f, int fd)
{
	struct stat st;
	size_t bytes;

	if (fstat(fd, &st) < 0)
		return -errno;
	bytes = (size_t)st.st_size;
	if (bytes == 0 || bytes > FILTER_INSTRUCTIONS_MAX * sizeof *f->program)
		return -E2BIG;
	f->program = xcalloc(1, bytes);
	f->n = (unsigned short)(bytes / sizeof *f->program);
	return pread(fd, f->program, bytes, 0) == (ssize_t)bytes ? 0 : -EIO;
}

/* libseccomp gives its program to a descriptor only. */
int filter_compile(struct filter *f, void *ctx)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);

	if (rc == 0)
		rc = read_program(f, fd);
	fd_close(&fd);
	return rc;
}

int filter_enter(const struct filter *f)
{
	struct sock_fprog program = { f->n, f->program };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

void filter_done(struct filter *f)
{
	free(f->program);
	*f = (struct filter){ 0 };
}
