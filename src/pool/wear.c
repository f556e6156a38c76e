/* When instances are replaced that nothing is wrong with: too old, used too often, grown too large, made from a model that
 * was loaded anew, or simply not needed any more. One that is worn is not lent again, so that the pool makes a successor; it
 * goes when that is there. */
#include "base/log.h"
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

bool wear_is_due(const struct pool *p, const struct instance *i)
{
	if (i->generation != p->generation)
		return true;
	if (p->cfg.max_uses > 0 && i->clients >= p->cfg.max_uses)
		return true;
	if (wear_is_oversized(p, i))
		return true;
	return p->cfg.max_age_ms > 0 && pool_now_ns(p) >= lives_until_ns(p, i);
}

static void retire(struct pool *p, struct instance *i, const char *why)
{
	log_debug("instance %s/%llu: %s, retiring it", p->name, (unsigned long long)i->id, why);
	crowd_retire(p, i);
}

/* The idle one that was born first, of the worn ones or of the others. */
static struct instance *oldest_idle(const struct pool *p, bool worn)
{
	struct instance *found = NULL;

	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->state == INSTANCE_IDLE && i->worn == worn &&
			    (found == NULL || i->id < found->id))
				found = i;
	return found;
}

static uint64_t mark_worn(struct pool *p)
{
	uint64_t next = UINT64_MAX;

	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next) {
			if (i->state != INSTANCE_IDLE || i->worn)
				continue;
			if (wear_is_due(p, i)) {
				i->worn = true;
				p->worn_idle++;
				p->again = true; /* a successor is wanted */
			} else if (p->cfg.max_age_ms > 0) {
				next = MIN(next, lives_until_ns(p, i));
			}
		}
	}
	return next;
}

static void retire_worn(struct pool *p)
{
	while (p->worn_idle > 0 && p->in_state[INSTANCE_IDLE] > crowd_wanted(p)) {
		p->counts.worn++;
		retire(p, oldest_idle(p, true), "worn");
	}
}

static unsigned surplus(const struct pool *p)
{
	unsigned idle = crowd_idle(p), wanted = crowd_wanted(p);

	return idle > wanted ? idle - wanted : 0;
}

/* Once every idle_ttl_ms: as many as were beyond need all that time, whatever came and went, are not needed. */
static uint64_t check_surplus(struct pool *p)
{
	uint64_t ttl_ns = p->cfg.idle_ttl_ms * NS_PER_MS, now_ns = pool_now_ns(p);
	unsigned now = surplus(p);

	if (now == 0 || p->surplus_low == 0 || ttl_ns == 0) {
		p->surplus_low = ttl_ns == 0 ? 0 : now;
		p->surplus_since_ns = now_ns;
	}
	p->surplus_low = MIN(p->surplus_low, now);
	if (p->surplus_low == 0)
		return UINT64_MAX;
	if (now_ns < p->surplus_since_ns + ttl_ns)
		return p->surplus_since_ns + ttl_ns;
	for (; p->surplus_low > 0; p->surplus_low--) {
		p->counts.surplus++;
		retire(p, oldest_idle(p, false), "idle for idle_ttl_ms");
	}
	p->surplus_low = surplus(p);
	p->surplus_since_ns = now_ns;
	return p->surplus_low > 0 ? now_ns + ttl_ns : UINT64_MAX;
}

uint64_t wear_check(struct pool *p)
{
	uint64_t next = UINT64_MAX;

	if (p->state == POOL_STOPPED || p->in_state[INSTANCE_IDLE] == 0)
		return next;
	next = mark_worn(p);
	retire_worn(p);
	return MIN(next, check_surplus(p));
}
