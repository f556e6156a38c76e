#include "access/quota.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"

enum { BUCKETS = 1024, SESSIONS_RETRY_MS = 1000 };

#define MINUTE_NS (60000 * (uint64_t)NS_PER_MS)
#define HOUR_NS   (60 * MINUTE_NS)

struct usage {
	struct usage *next;
	uint64_t tenant;
	struct quota_limits limits;
	unsigned sessions;
	uint64_t level_ns;    /* audio in the bucket, as it was at now_ns */
	uint64_t levelled_ns; /* the time of that */
};

struct quota {
	struct usage *table[BUCKETS]; /* owned, by tenant */
	unsigned tenants;
};

struct quota *quota_new(void)
{
	return xcalloc(1, sizeof(struct quota));
}

void quota_free(struct quota **q)
{
	if (*q == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct usage *u = (*q)->table[i], *next;

		for (; u != NULL; u = next) {
			next = u->next;
			free(u);
		}
	}
	free(*q);
	*q = NULL;
}

/* Where the tenant is, or would be. */
static struct usage **place_of(struct quota *q, uint64_t tenant)
{
	struct usage **at = &q->table[tenant % BUCKETS];

	while (*at != NULL && (*at)->tenant != tenant)
		at = &(*at)->next;
	return at;
}

static struct usage *add(struct quota *q, uint64_t tenant, uint64_t now_ns)
{
	struct usage **at = place_of(q, tenant);

	if (*at == NULL) {
		*at = xcalloc(1, sizeof **at);
		(*at)->tenant = tenant;
		(*at)->levelled_ns = now_ns;
		q->tenants++;
	}
	return *at;
}

static uint64_t capacity_ns(const struct usage *u)
{
	return u->limits.minutes * MINUTE_NS;
}

/* More than two hours are not looked at in one go: they empty a bucket that is not far over its brim, and fit 64 bits with
 * any number of minutes. What is not metered is not remembered. */
static void drain(struct usage *u, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - MIN(now_ns, u->levelled_ns);
	uint64_t drained_ns = MIN(passed_ns, 2 * HOUR_NS) * u->limits.minutes / 60;

	u->level_ns -= MIN(u->level_ns, u->limits.minutes == 0 ? u->level_ns : drained_ns);
	u->levelled_ns = MAX(u->levelled_ns, now_ns);
}

static bool is_forgettable(const struct usage *u)
{
	return u->sessions == 0 && u->level_ns == 0;
}

static void forget_if_idle(struct quota *q, struct usage **at)
{
	struct usage *u = *at;

	if (!is_forgettable(u))
		return;
	*at = u->next;
	free(u);
	q->tenants--;
}

/* Rounded up: who comes then is let in. */
static unsigned wait_ms(const struct usage *u, uint64_t until_level_ns)
{
	uint64_t over_ns = MIN(u->level_ns - MIN(u->level_ns, until_level_ns), UINT64_MAX / 60);
	uint64_t minutes = u->limits.minutes;
	uint64_t ms = over_ns / minutes * 60 / NS_PER_MS + 1;

	return (unsigned)MIN(ms, (uint64_t)UINT32_MAX);
}

/* What a new session has to find free: as much as a minute empties. */
static uint64_t reopen_ns(const struct usage *u)
{
	return capacity_ns(u) - u->limits.minutes * (MINUTE_NS / 60);
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static int refuse_used_up(const struct usage *u, struct error *err, unsigned *retry_after_ms)
{
	*retry_after_ms = wait_ms(u, reopen_ns(u));
	return error_set(err, ERROR_QUOTA,
	    "the key's audio is used up: it may send %u minute%s an hour (minutes=%u)",
	    u->limits.minutes, plural(u->limits.minutes), u->limits.minutes);
}

static int check_room(const struct usage *u, struct error *err, unsigned *retry_after_ms)
{
	if (u->limits.minutes > 0 && u->level_ns > reopen_ns(u))
		return refuse_used_up(u, err, retry_after_ms);
	if (u->limits.sessions == 0 || u->sessions < u->limits.sessions)
		return 0;
	*retry_after_ms = SESSIONS_RETRY_MS;
	return error_set(err, ERROR_SESSIONS,
	    "the key has %u session%s open and may have %u at once (sessions=%u)", u->sessions,
	    plural(u->sessions), u->limits.sessions, u->limits.sessions);
}

int quota_open(struct quota *q, uint64_t tenant, const struct quota_limits *limits, uint64_t now_ns,
    struct error *err, unsigned *retry_after_ms_out)
{
	struct usage *u = add(q, tenant, now_ns);

	drain(u, now_ns);
	u->limits = *limits;
	drain(u, now_ns);
	if (check_room(u, err, retry_after_ms_out) != 0) {
		forget_if_idle(q, place_of(q, tenant));
		return -1;
	}
	u->sessions++;
	return 0;
}

void quota_close(struct quota *q, uint64_t tenant, uint64_t now_ns)
{
	struct usage **at = place_of(q, tenant);

	assert(*at != NULL && (*at)->sessions > 0);
	(*at)->sessions--;
	drain(*at, now_ns);
	forget_if_idle(q, at);
}

int quota_charge(struct quota *q, uint64_t tenant, uint64_t audio_ms, uint64_t now_ns,
    struct error *err, unsigned *retry_after_ms_out)
{
	struct usage *u = *place_of(q, tenant);

	assert(u != NULL && u->sessions > 0);
	if (u->limits.minutes == 0)
		return 0;
	drain(u, now_ns);
	audio_ms = MIN(audio_ms, (UINT64_MAX - u->level_ns) / NS_PER_MS);
	u->level_ns += audio_ms * NS_PER_MS;
	return u->level_ns <= capacity_ns(u) ? 0 : refuse_used_up(u, err, retry_after_ms_out);
}

void quota_limit(
    struct quota *q, uint64_t tenant, const struct quota_limits *limits, uint64_t now_ns)
{
	struct usage **at = place_of(q, tenant);

	if (*at == NULL)
		return;
	drain(*at, now_ns);
	(*at)->limits = *limits;
	drain(*at, now_ns);
	forget_if_idle(q, at);
}

void quota_look(struct quota *q, uint64_t now_ns)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct usage **at = &q->table[i];

		while (*at != NULL) {
			struct usage *u = *at;

			drain(u, now_ns);
			forget_if_idle(q, at);
			if (*at == u)
				at = &u->next;
		}
	}
}

unsigned quota_tenants(const struct quota *q)
{
	return q->tenants;
}

unsigned quota_sessions(const struct quota *q, uint64_t tenant)
{
	const struct usage *u = q->table[tenant % BUCKETS];

	while (u != NULL && u->tenant != tenant)
		u = u->next;
	return u == NULL ? 0 : u->sessions;
}
