#include "net/address_tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"

enum { BUCKETS = 1024 }; /* a power of two */

struct entry {
	struct entry *next;
	struct address_ip ip;
	unsigned count; /* at least 1 */
};

struct address_tally {
	uint64_t seed[2];
	struct entry *buckets[BUCKETS]; /* owned */
};

struct address_tally *address_tally_new(void)
{
	struct address_tally *t = xcalloc(1, sizeof *t);

	if (getrandom(t->seed, sizeof t->seed, 0) != (ssize_t)sizeof t->seed)
		abort();
	return t;
}

void address_tally_free(struct address_tally **tally)
{
	struct address_tally *t = *tally;
	struct entry *e;

	*tally = NULL;
	for (unsigned i = 0; t != NULL && i < BUCKETS; i++)
		while ((e = t->buckets[i]) != NULL) {
			t->buckets[i] = e->next;
			free(e);
		}
	free(t);
}

static uint64_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15u;
	return x ^ x >> 32;
}

/* Where the pointer to the entry is, or would be. */
static struct entry **find(struct address_tally *t, const struct address_ip *ip)
{
	uint64_t halves[2], h;
	struct entry **at;

	memcpy(halves, ip->bytes, sizeof halves);
	h = mix(mix(halves[0] ^ t->seed[0]) ^ halves[1] ^ t->seed[1]);
	at = &t->buckets[h % BUCKETS];
	while (*at != NULL && memcmp(&(*at)->ip, ip, sizeof *ip) != 0)
		at = &(*at)->next;
	return at;
}

void address_tally_add(struct address_tally *t, const struct address_ip *ip)
{
	struct entry **at = find(t, ip);

	if (*at == NULL) {
		*at = xcalloc(1, sizeof **at);
		(*at)->ip = *ip;
	}
	(*at)->count++;
}

void address_tally_remove(struct address_tally *t, const struct address_ip *ip)
{
	struct entry **at = find(t, ip), *e = *at;

	assert(e != NULL);
	if (--e->count > 0)
		return;
	*at = e->next;
	free(e);
}

unsigned address_tally_count(const struct address_tally *t, const struct address_ip *ip)
{
	const struct entry *e = *find((struct address_tally *)(uintptr_t)t, ip);

	return e == NULL ? 0 : e->count;
}
