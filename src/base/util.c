#define _GNU_SOURCE
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
	if (p == NULL) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n, size));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

const char *path_last(const char *path, size_t *n_out)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	*n_out = end - start;
	return path + start;
}

char *path_last_copy(const char *path)
{
	size_t n;
	const char *last = path_last(path, &n);
	char *copy = xcalloc(n + 1, 1);

	memcpy(copy, last, n);
	return copy;
}
