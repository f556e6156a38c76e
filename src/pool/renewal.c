/* Replaces instances nothing is wrong with: those that are worn (wear.c), and those that are not needed any more. One that is
 * worn is not lent again, so that the pool makes a successor; it goes when that is there. */
#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

static void retire(struct pool *p, struct instance *i, const char *why)
{
	log_debug("instance %s/%llu: %s, retiring it", p->name, (unsigned long long)i->id, why);
	crowd_retire(p, i);
}

/* The worn idle one that was born first. */
static struct instance *oldest_worn(const struct pool *p)
{
	struct instance *found = NULL;

	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->state == INSTANCE_IDLE && i->worn &&
			    (found == NULL || i->id < found->id))
				found = i;
	return found;
}

static bool mark_worn(struct pool *p)
{
	bool any = false;

	if (pool_now_ns(p) < p->worn_look_ns)
		return false;
	p->worn_look_ns = UINT64_MAX;
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next) {
			if (i->state != INSTANCE_IDLE || i->worn)
				continue;
			if (wear_is_due(p, i)) {
				crowd_mark_worn(p, i);
				any = true;
			} else {
				p->worn_look_ns = MIN(p->worn_look_ns, wear_due_ns(p, i));
			}
		}
	}
	return any;
}

static void retire_worn(struct pool *p)
{
	while (crowd_worn_idle(p) > 0 && p->in_state[INSTANCE_IDLE] > crowd_wanted(p)) {
		p->counts.worn++;
		retire(p, oldest_worn(p), "worn");
	}
}

static unsigned surplus(const struct pool *p)
{
	unsigned idle = crowd_idle(p), wanted = crowd_wanted(p);

	return idle > wanted ? idle - wanted : 0;
}

/* Once every idle_ttl_ms: as many as were beyond need all that time, whatever came and went, are not needed. */
static void check_surplus(struct pool *p)
{
	uint64_t ttl_ns = p->cfg.idle_ttl_ms * NS_PER_MS, now_ns = pool_now_ns(p);
	unsigned now = surplus(p);

	if (now == 0 || p->surplus_low == 0 || ttl_ns == 0) {
		p->surplus_low = ttl_ns == 0 ? 0 : now;
		p->surplus_since_ns = now_ns;
	}
	p->surplus_low = MIN(p->surplus_low, now);
	if (p->surplus_low == 0 || now_ns < p->surplus_since_ns + ttl_ns)
		return;
	for (; p->surplus_low > 0; p->surplus_low--) {
		p->counts.surplus++;
		retire(p, heap_first(&p->idle), "idle for idle_ttl_ms");
	}
	p->surplus_low = surplus(p);
	p->surplus_since_ns = now_ns;
}

bool renewal_check(struct pool *p)
{
	bool marked;

	if (p->state == POOL_STOPPED || p->in_state[INSTANCE_IDLE] == 0)
		return false;
	marked = mark_worn(p);
	retire_worn(p);
	check_surplus(p);
	return marked;
}

uint64_t renewal_next_ns(const struct pool *p)
{
	if (p->state == POOL_STOPPED || p->in_state[INSTANCE_IDLE] == 0)
		return UINT64_MAX;
	return p->surplus_low == 0
	    ? p->worn_look_ns
	    : MIN(p->worn_look_ns, p->surplus_since_ns + p->cfg.idle_ttl_ms * NS_PER_MS);
}
