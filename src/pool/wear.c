/* When an instance is worn though nothing is wrong with it: too old, used too often, grown too large, or made from a model that
 * was loaded anew. */
#include "base/util.h"
#include "pool/pool_internal.h"

/* Ages differ by up to a tenth, so that instances born together do not go together. */
static uint64_t lives_until_ns(const struct pool *p, const struct instance *i)
{
	uint64_t max_ns = p->cfg.max_age_ms * NS_PER_MS;
	uint64_t any =
	    i->id * 0x9e3779b97f4a7c15ull >> 54; /* 0..1023: Fibonacci hashing, Knuth 6.4 */

	return i->born_ns + max_ns - max_ns / 10 * any / 1023;
}

bool wear_is_oversized(const struct pool *p, const struct instance *i)
{
	return p->cfg.max_rss_mb > 0 && i->rss_kb / 1024 > p->cfg.max_rss_mb;
}

uint64_t wear_due_ns(const struct pool *p, const struct instance *i)
{
	if (i->generation != p->generation || wear_is_oversized(p, i))
		return 0;
	if (p->cfg.max_uses > 0 && i->clients >= p->cfg.max_uses)
		return 0;
	return p->cfg.max_age_ms > 0 ? lives_until_ns(p, i) : UINT64_MAX;
}

bool wear_is_due(const struct pool *p, const struct instance *i)
{
	return pool_now_ns(p) >= wear_due_ns(p, i);
}
