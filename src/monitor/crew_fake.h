/* crew_fake: stands in for pool/crew.c where only its pool is looked at: a crew without processes, over a
 * pool_fake. Linked by tests only, instead of the real one. */
#ifndef MONITOR_CREW_FAKE_H
#define MONITOR_CREW_FAKE_H

#include "pool/pool_fake.h"

struct crew {
	struct pool_fake pool;
	int host_pid;
	const char *reload_failure;
};

#endif
