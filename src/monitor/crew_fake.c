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

bool crew_is_reloading(const struct crew *c)
{
	(void)c;
	return false;
}

const char *crew_reload_failure(const struct crew *c)
{
	return c->reload_failure == NULL ? "" : c->reload_failure;
}

unsigned crew_private_kb(int pid)
{
	return (unsigned)pid * 2;
}
