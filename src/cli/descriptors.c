#include "cli/descriptors.h"

#include <stdint.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cli/config.h"

enum {
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

/* The soft limit is low for the sake of programs that use select; the hard one is what the machine's owner grants. */
void descriptors_raise(const struct config *c)
{
	uint64_t wanted = descriptors_wanted(c);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < wanted)
		log_warn("server: %llu descriptors may be open, and max_connections %u with all "
			 "instances "
			 "needs %llu; raise the hard limit (ulimit -Hn, LimitNOFILE)",
		    (unsigned long long)limit.rlim_max, c->http.max_connections,
		    (unsigned long long)wanted);
}
