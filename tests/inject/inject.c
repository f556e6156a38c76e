/* inject: makes calls of the C library fail, or the time of day jump, while a test says so. The test owns a file, named by
 * STENOPOOL_INJECT, that is mapped here: its bytes are switches, '1' is on. LD_PRELOAD brings this into server, hosts and
 * instances. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum control { FORK, MEMORY, DISK, CLOCK, CONTROLS };

enum { LARGE_BYTES = 200 * 1024, YEAR_S = 366 * 24 * 3600 };

static const volatile char *controls;
static int in_server;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("STENOPOOL_INJECT");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *page;

	in_server = strcmp(program_invocation_short_name, "stenopool") == 0;
	if (fd < 0)
		return;
	page = mmap(NULL, CONTROLS, PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (page != MAP_FAILED)
		controls = page;
}

static int is_on(enum control c)
{
	return controls != NULL && controls[c] == '1';
}

/* The function of that name behind ours. Through memcpy, since C gives no way from an object's pointer to a function's. */
static void next(const char *name, void *function_out)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(function_out, &symbol, sizeof symbol);
}

pid_t fork(void)
{
	pid_t (*real)(void);

	if (is_on(FORK)) {
		errno = EAGAIN;
		return -1;
	}
	next("fork", &real);
	return real();
}

/* Only what is large, and only in the server: small blocks are its own bookkeeping. */
static int refuse(size_t n)
{
	if (n < LARGE_BYTES || !in_server || !is_on(MEMORY))
		return 0;
	errno = ENOMEM;
	return 1;
}

extern void *__libc_malloc(size_t n);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return refuse(n) ? NULL : __libc_malloc(n);
}

void *realloc(void *p, size_t n)
{
	return refuse(n) ? NULL : __libc_realloc(p, n);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);
	struct stat st;

	if (is_on(DISK) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		errno = ENOSPC;
		return -1;
	}
	next("write", &real);
	return real(fd, bytes, n);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int (*real)(clockid_t, struct timespec *);
	int rc;

	next("clock_gettime", &real);
	rc = real(clock, out);
	if (rc == 0 && clock == CLOCK_REALTIME && is_on(CLOCK))
		out->tv_sec += YEAR_S;
	return rc;
}

time_t time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
