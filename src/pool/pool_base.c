/* What all files of the pool stand on. They call each other downwards only:
 *   pool, lease_ask    what others call; each change ends in pool_settle
 *   canary_told
 *   settle             brings wishes and instances together
 *   canary, renewal, patience
 *   lease, announce
 *   lease_told         what others are told
 *   queue, tenants
 *   crowd, pool_view
 *   flood, wear, pool_base, attempt, heap, id_table, instance, loss    the last five pure */
#include "pool/pool_internal.h"

uint64_t pool_now_ns(const struct pool *p)
{
	return p->ops->now_ns(p->arg);
}
