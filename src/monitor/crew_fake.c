#include "monitor/crew_fake.h"

#include "pool/crew.h"

struct pool *crew_pool(struct crew *c)
{
	return c->pool.pool;
}

int crew_host_pid(const struct crew *c)
{
	return c->host_pid;
}

unsigned crew_private_kb(int pid)
{
	return (unsigned)pid * 2;
}
