#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/quota.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"

#define MINUTE (60 * NS_PER_S)

enum { ALICE = 1, BOB = 1 + 1024 /* in the same bucket of the table */ };

static const struct quota_limits free_of_limits = { 0 }, two = { .sessions = 2 },
				 hour = { .minutes = 60 };

static void test_sessions(void **state)
{
	struct quota *q = quota_new();
	unsigned retry = 0;
	struct error err;

	(void)state;
	assert_int_equal(quota_open(q, ALICE, &two, 0, &err, &retry), 0);
	assert_int_equal(quota_open(q, ALICE, &two, 0, &err, &retry), 0);
	assert_int_equal(quota_open(q, ALICE, &two, 0, &err, &retry), -1);
	assert_int_equal(err.code, ERROR_SESSIONS);
	assert_string_equal(
	    err.text, "the key has 2 sessions open and may have 2 at once (sessions=2)");
	assert_true(retry > 0);
	assert_int_equal(quota_open(q, BOB, &two, 0, &err, &retry), 0);
	quota_close(q, ALICE, 0);
	assert_int_equal(quota_open(q, ALICE, &two, 0, &err, &retry), 0);
	assert_int_equal(quota_sessions(q, ALICE), 2);
	quota_close(q, ALICE, 0);
	quota_close(q, ALICE, 0);
	assert_int_equal(quota_tenants(q), 1);
	quota_close(q, BOB, 0);
	assert_int_equal(quota_tenants(q), 0);
	quota_free(&q);
	quota_free(&q);
}

static void test_minutes(void **state)
{
	struct quota *q = quota_new();
	unsigned retry = 0;
	struct error err;
	uint64_t now = 7 * MINUTE;

	(void)state;
	assert_int_equal(quota_open(q, ALICE, &hour, now, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 3599000, now, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 1000, now, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 1, now, &err, &retry), -1);
	assert_int_equal(err.code, ERROR_QUOTA);
	assert_string_equal(
	    err.text, "the key's audio is used up: it may send 60 minutes an hour (minutes=60)");
	assert_in_range(retry, 60000, 60001); /* until a minute is free */
	quota_close(q, ALICE, now);
	assert_int_equal(quota_tenants(q), 1);
	assert_int_equal(quota_open(q, ALICE, &hour, now + MINUTE / 2, &err, &retry), -1);
	assert_in_range(retry, 30000, 30001);
	now += MINUTE / 2 + retry * NS_PER_MS;
	assert_int_equal(quota_open(q, ALICE, &hour, now, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 60002, now, &err, &retry), -1);
	quota_close(q, ALICE, now);
	quota_look(q, now + 59 * MINUTE);
	assert_int_equal(quota_tenants(q), 1);
	quota_look(q, now + 61 * MINUTE);
	assert_int_equal(quota_tenants(q), 0);
	quota_free(&q);
}

static void test_what_came_is_charged_whole(void **state)
{
	struct quota *q = quota_new();
	unsigned retry = 0;
	struct error err;

	(void)state;
	assert_int_equal(quota_open(q, ALICE, &hour, 0, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 90ull * 60000, 0, &err, &retry), -1);
	assert_in_range(retry, 31 * 60000, 31 * 60000 + 1);
	assert_int_equal(quota_charge(q, ALICE, UINT64_MAX, 0, &err, &retry), -1);
	assert_int_equal(quota_charge(q, ALICE, UINT64_MAX, 0, &err, &retry), -1);
	assert_int_equal(retry, UINT32_MAX);
	quota_free(&q);
}

static void test_two_sessions_share_the_minutes(void **state)
{
	struct quota *q = quota_new();
	unsigned retry = 0;
	struct error err;

	(void)state;
	assert_int_equal(quota_open(q, ALICE, &hour, 0, &err, &retry), 0);
	assert_int_equal(quota_open(q, ALICE, &hour, 0, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 1800000, 0, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 1800000, 0, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 1, 0, &err, &retry), -1);
	quota_free(&q);
}

static void test_other_limits_count_at_once_and_what_was_used_stays(void **state)
{
	static const struct quota_limits one = { .sessions = 1, .minutes = 10 };
	struct quota *q = quota_new();
	unsigned retry = 0;
	struct error err;

	(void)state;
	quota_limit(q, ALICE, &one, 0);
	assert_int_equal(quota_tenants(q), 0);
	assert_int_equal(quota_open(q, ALICE, &hour, 0, &err, &retry), 0);
	assert_int_equal(quota_open(q, ALICE, &hour, 0, &err, &retry), 0);
	assert_int_equal(quota_charge(q, ALICE, 20 * 60000, 0, &err, &retry), 0);
	quota_limit(q, ALICE, &one, 0);
	assert_int_equal(quota_sessions(q, ALICE), 2);
	assert_int_equal(quota_charge(q, ALICE, 1, 0, &err, &retry), -1);
	quota_close(q, ALICE, 0);
	assert_int_equal(quota_open(q, ALICE, &one, 60 * MINUTE, &err, &retry), -1);
	assert_int_equal(err.code, ERROR_QUOTA); /* of 20 minutes 10 have gone */
	assert_int_equal(quota_open(q, ALICE, &one, 122 * MINUTE, &err, &retry), -1);
	assert_int_equal(err.code, ERROR_SESSIONS);
	quota_limit(q, ALICE, &free_of_limits, 122 * MINUTE);
	assert_int_equal(quota_charge(q, ALICE, UINT64_MAX, 0, &err, &retry), 0);
	quota_close(q, ALICE, 122 * MINUTE);
	assert_int_equal(quota_tenants(q), 0);
	quota_free(&q);
}

static void test_the_largest_limit(void **state)
{
	static const struct quota_limits most = { .minutes = QUOTA_MINUTES_MAX };
	struct quota *q = quota_new();
	unsigned retry = 0;
	struct error err;

	(void)state;
	assert_int_equal(quota_open(q, ALICE, &most, 0, &err, &retry), 0);
	assert_int_equal(
	    quota_charge(q, ALICE, 60000ull * QUOTA_MINUTES_MAX + 1, 0, &err, &retry), -1);
	assert_in_range(retry, 60000, 60001);
	quota_close(q, ALICE, 0);
	quota_look(q, UINT64_MAX);
	assert_int_equal(quota_tenants(q), 0);
	quota_free(&q);
}

/* A model of each tenant in numbers with a point, and any calls in any order. */
enum { TENANTS = 40, STEPS = 200000 };

static uint64_t seed = 1;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

static struct model {
	struct quota_limits limits;
	unsigned sessions;
	double level_ms, at_ms; /* of audio; of time */
} models[TENANTS];

static void settle(struct model *m, double now_ms)
{
	m->level_ms -= (now_ms - m->at_ms) * m->limits.minutes / 60;
	m->level_ms = m->level_ms < 0 || m->limits.minutes == 0 ? 0 : m->level_ms;
	m->at_ms = now_ms;
}

static void check_open(struct quota *q, uint64_t tenant, struct model *m, double now_ms)
{
	unsigned retry = 0;
	struct error err;
	uint64_t now_ns = (uint64_t)now_ms * NS_PER_MS;
	double room_ms = m->limits.minutes * 59000.0 - m->level_ms;
	int rc = quota_open(q, tenant, &m->limits, now_ns, &err, &retry);

	if (m->limits.minutes > 0 && (room_ms < 1 && room_ms > -1)) {
		m->sessions += rc == 0; /* too close for numbers with a point */
	} else if (m->limits.minutes > 0 && room_ms < 0) {
		assert_true(rc == -1 && err.code == ERROR_QUOTA && retry > 0);
		assert_true(-room_ms * 60 / m->limits.minutes <= retry + 1);
		assert_true(-room_ms * 60 / m->limits.minutes >= retry - 2.0);
	} else if (m->limits.sessions > 0 && m->sessions >= m->limits.sessions) {
		assert_true(rc == -1 && err.code == ERROR_SESSIONS && retry > 0);
	} else {
		assert_int_equal(rc, 0);
		m->sessions++;
	}
}

static void check_charge(struct quota *q, uint64_t tenant, struct model *m, double now_ms)
{
	unsigned retry = 0, audio_ms = below(5) == 0 ? below(600000) : below(1000);
	struct error err;
	int rc;

	rc = quota_charge(q, tenant, audio_ms, (uint64_t)now_ms * NS_PER_MS, &err, &retry);
	if (m->limits.minutes == 0) {
		assert_int_equal(rc, 0);
		return;
	}
	m->level_ms += audio_ms;
	if (m->level_ms > m->limits.minutes * 60000.0 + 1)
		assert_int_equal(rc, -1);
	else if (m->level_ms < m->limits.minutes * 60000.0 - 1)
		assert_int_equal(rc, 0);
}

static void check_known(const struct quota *q)
{
	unsigned must = 0, may = 0;

	for (unsigned i = 0; i < TENANTS; i++) {
		must += models[i].sessions > 0 || models[i].level_ms > 1;
		may += models[i].sessions > 0 || models[i].level_ms > -1;
		assert_int_equal(quota_sessions(q, i * 512), models[i].sessions);
	}
	assert_in_range(quota_tenants(q), must, may);
}

static void test_random(void **state)
{
	struct quota *q = quota_new();
	double now_ms = 0;

	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = below(TENANTS);
		struct model *m = &models[i];

		now_ms += below(3) == 0 ? below(20000) : below(10);
		settle(m, now_ms);
		switch (below(8)) {
		case 0:
			m->limits = (struct quota_limits){ below(4), below(30) };
			quota_limit(q, i * 512, &m->limits, (uint64_t)now_ms * NS_PER_MS);
			settle(m, now_ms);
			break;
		case 1:
		case 2:
			check_open(q, i * 512, m, now_ms);
			break;
		case 3:
			if (m->sessions == 0)
				break;
			m->sessions--;
			quota_close(q, i * 512, (uint64_t)now_ms * NS_PER_MS);
			break;
		case 4:
			quota_look(q, (uint64_t)now_ms * NS_PER_MS);
			for (unsigned j = 0; j < TENANTS; j++)
				settle(&models[j], now_ms);
			check_known(q);
			break;
		default:
			if (m->sessions > 0)
				check_charge(q, i * 512, m, now_ms);
		}
	}
	quota_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_minutes),
		cmocka_unit_test(test_what_came_is_charged_whole),
		cmocka_unit_test(test_two_sessions_share_the_minutes),
		cmocka_unit_test(test_other_limits_count_at_once_and_what_was_used_stays),
		cmocka_unit_test(test_the_largest_limit),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
