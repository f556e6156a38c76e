#include "cli/descriptors.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/config.h"

enum {
	DESCRIPTORS_LEAST = 115,     /* the loop, listeners, log; a few clients */
	DESCRIPTORS_OF_POOL = 12,    /* two hosts, their logs, an instance */
	DESCRIPTORS_ALWAYS = 384,    /* the loop, listeners, hosts, log, connections that linger */
	DESCRIPTORS_OF_INSTANCE = 3, /* socket, stderr, process */
	DESCRIPTORS_OF_DECODER = 4,  /* three pipes, a file that is kept */
};

static uint64_t descriptors_wanted(const struct config *c)
{
	uint64_t n = DESCRIPTORS_ALWAYS + c->http.max_connections +
	    (uint64_t)DESCRIPTORS_OF_DECODER * c->decoder.max;

	for (unsigned i = 0; i < c->pools_n; i++)
		n += (uint64_t)DESCRIPTORS_OF_INSTANCE *
		    (c->pools[i].pool.max + c->pools[i].pool.spare);
	return n;
}

static uint64_t descriptors_least(const struct config *c)
{
	return DESCRIPTORS_LEAST + (uint64_t)DESCRIPTORS_OF_POOL * c->pools_n + c->listens_n;
}

/* The soft limit is low for the sake of programs that use select; the hard one is what the machine's owner grants. */
int descriptors_raise(const struct config *c, struct error *err)
{
	uint64_t wanted = descriptors_wanted(c), least = descriptors_least(c);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return error_set_errno(
		    err, ERROR_SYSTEM, "cannot tell how many descriptors may be open");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < least)
		return error_set(err, ERROR_SYSTEM,
		    "%llu descriptors may be open, and %llu are the least for %u pools and %u "
		    "listeners; raise the "
		    "hard limit (ulimit -Hn, LimitNOFILE)",
		    (unsigned long long)limit.rlim_max, (unsigned long long)least, c->pools_n,
		    c->listens_n);
	if (limit.rlim_max < wanted)
		log_warn("server: %llu descriptors may be open, and max_connections %u with all "
			 "instances "
			 "needs %llu; raise the hard limit (ulimit -Hn, LimitNOFILE)",
		    (unsigned long long)limit.rlim_max, c->http.max_connections,
		    (unsigned long long)wanted);
	return 0;
}

/* Not to read from 0 nor write to 1 and 2, so that whoever tries is told. */
static int open_useless(int fd)
{
	int got = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);

	return got >= 0 ? got : socket(AF_UNIX, SOCK_STREAM, 0);
}

void descriptors_fill(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open_useless(fd); /* the lowest that is free is this one */
}
