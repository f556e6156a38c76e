/* Long runs of random clients that come, go and get places, beside a naive queue that is sorted anew each time: who is next, and
 * the place that each is shown and told, must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS_MAX = 300, TENANTS_MAX = 200, SEEDS = 3, FEW = 64 };

struct tenant_model {
	unsigned leases, held;
	uint64_t came, turn;
};

struct waiter_model {
	unsigned client, held; /* held: by its tenant when it is its turn */
};

static struct row {
	const char *name;
	unsigned clients, tenants, places, operations;
} rows[] = {
	{ "one tenant", 40, 1, 3, 1500 },
	{ "a few tenants", 60, 5, 4, 1500 },
	{ "each its own", 50, 50, 3, 1500 },
	{ "a long queue of one tenant", 300, 1, 2, 800 },
	{ "a long queue of some tenants", 300, 20, 5, 800 },
	{ "a long queue of many tenants", 300, 200, 5, 800 },
};

static struct pool_fake f;
static const struct row *row;
static struct lease_fake clients[CLIENTS_MAX];
static uint64_t came[CLIENTS_MAX]; /* numbers that rise: when each asked */
static struct tenant_model tenants[TENANTS_MAX];
static struct waiter_model order[CLIENTS_MAX];
static unsigned waiting, taken;
static uint64_t last_turn, asks, seed;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static struct tenant_model *tenant_of(unsigned client)
{
	return &tenants[clients[client].tenant];
}

/* Of the same tenant, and served earlier whoever else is there. */
static bool is_ahead_at_home(unsigned a, unsigned b)
{
	if (clients[a].tenant != clients[b].tenant || a == b)
		return false;
	if (clients[a].priority != clients[b].priority)
		return clients[a].priority < clients[b].priority;
	return came[a] < came[b];
}

static int compare(const void *left, const void *right)
{
	const struct waiter_model *a = left, *b = right;
	const struct tenant_model *s = tenant_of(a->client), *t = tenant_of(b->client);

	if (clients[a->client].priority != clients[b->client].priority)
		return clients[a->client].priority < clients[b->client].priority ? -1 : 1;
	if (a->held != b->held)
		return a->held < b->held ? -1 : 1;
	if (s->turn != t->turn)
		return s->turn < t->turn ? -1 : 1;
	return s->came < t->came ? -1 : s->came > t->came;
}

static void sort(void)
{
	for (unsigned i = 0; i < waiting; i++) {
		order[i].held = tenant_of(order[i].client)->held;
		for (unsigned k = 0; k < waiting; k++)
			order[i].held += is_ahead_at_home(order[k].client, order[i].client);
	}
	qsort(order, waiting, sizeof *order, compare);
}

static void forget_first(void)
{
	memmove(order, order + 1, --waiting * sizeof *order);
}

static void forget(unsigned client)
{
	unsigned i = 0;

	while (order[i].client != client)
		i++;
	memmove(order + i, order + i + 1, (--waiting - i) * sizeof *order);
}

static void grant_all(void)
{
	for (; taken < row->places && waiting > 0; taken++) {
		unsigned client;

		sort();
		client = order[0].client;
		assert_true(clients[client].granted);
		tenant_of(client)->held++;
		tenant_of(client)->turn = ++last_turn;
		forget_first();
	}
	sort();
}

static void come(unsigned client)
{
	struct lease_fake *c = &clients[client];
	struct tenant_model *t;

	c->tenant = rnd(row->tenants);
	c->priority = rnd(4) == 0 ? (enum priority)rnd(PRIORITIES) : PRIORITY_NORMAL;
	c->may_fall_back = true;
	came[client] = ++asks;
	t = tenant_of(client);
	if (t->leases++ == 0)
		*t = (struct tenant_model){ .leases = 1, .came = ++last_turn };
	order[waiting++].client = client;
	assert_true(lease_fake_ask(c, client + 1, f.pool));
	grant_all();
}

static void leave(unsigned client)
{
	struct tenant_model *t = tenant_of(client);

	if (clients[client].granted) {
		t->held--;
		taken--;
	} else {
		forget(client);
	}
	t->leases--;
	lease_fake_release(&clients[client]);
	grant_all();
}

static unsigned shown;

static void check_shown(void *arg, const struct waiter_view *v)
{
	(void)arg;
	assert_int_equal(v->position, shown + 1);
	assert_int_equal(v->session, clients[order[shown].client].id);
	shown++;
}

static void check(bool told)
{
	shown = 0;
	pool_each_waiter(f.pool, check_shown, NULL);
	assert_int_equal(shown, waiting);
	for (unsigned i = 0; told && i < waiting; i++)
		assert_int_equal(clients[order[i].client].position, i + 1);
}

static void step(void)
{
	unsigned client = rnd(row->clients);
	bool is_new = clients[client].lease == NULL;

	if (is_new)
		come(client);
	else if (rnd(3) == 0 || clients[client].granted)
		leave(client);
	for (unsigned i = 0; is_new && i < waiting; i++) /* at once and right, or not yet */
		if (order[i].client == client && clients[client].position != 0)
			assert_int_equal(clients[client].position, i + 1);
	check(waiting <= FEW);
	if (rnd(8) == 0) {
		pool_fake_pass_ms(&f, 250);
		check(true);
	}
}

static void run(uint64_t n)
{
	struct pool_config cfg = pool_fake_config();

	seed = 0x9e3779b97f4a7c15ull * n;
	memset(clients, 0, sizeof clients);
	memset(tenants, 0, sizeof tenants);
	waiting = taken = 0;
	last_turn = asks = 0;
	cfg.max = row->places;
	cfg.queue_max = CLIENTS_MAX;
	cfg.queue_timeout_ms = 3600000;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < row->operations; i++) {
		step();
		pool_fake_born_all(&f);
	}
	for (unsigned i = 0; i < row->clients; i++)
		lease_fake_release(&clients[i]);
	pool_fake_done(&f);
}

static void test_order(void **state)
{
	row = *state;
	for (uint64_t n = 1; n <= SEEDS; n++)
		run(n);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_order, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("queue_order", tests, NULL, NULL);
}
