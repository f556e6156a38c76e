#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/test_rows.h"
#include "pool/pulse.h"

/* What is asked of a host and what it answers, in order:
 *   p a ping, s a spawn            P a pong, S a spawn's answer, each taken      x a pong, y a spawn's answer, each refused
 *   o a look that finds it owes nothing    . one that lets it wait    ! one that finds it stuck */
static struct row {
	const char *name, *script;
} rows[] = {
	{ "who was asked nothing owes nothing", "oo" },
	{ "a ping is answered by a pong", "pPo" },
	{ "a spawn is an answer owed as well", "s.So" },
	{ "several are answered one by one", "sssSS.So" },
	{ "a ping unanswered for all looks is a standstill", "p.....!" },
	{ "so is a spawn", "s.....!" },
	{ "each answer starts the time anew", "sss.....S.....S.....So" },
	{ "what is asked meanwhile does not", "p....s.!" },
	{ "who owed nothing is not charged for the looks before", "ooos.....!" },
	{ "a pong that nobody asked for is none", "x" },
	{ "a spawn's answer that nobody asked for is none", "y" },
	{ "each answer counts once", "pPxsSy" },
	{ "a spawn does not overtake the ping", "psy" },
	{ "a spawn asked after the ping waits for its turn", "psP.So" },
	{ "after a pong the next ping counts from the start", "psPSop.....!" },
};

static void play(struct pulse *p, char c)
{
	switch (c) {
	case 'p':
		pulse_asked_ping(p);
		return;
	case 's':
		pulse_asked_spawn(p);
		return;
	case 'P':
	case 'x':
		assert_int_equal(pulse_take_pong(p), c == 'P');
		return;
	case 'S':
	case 'y':
		assert_int_equal(pulse_take_spawn(p), c == 'S');
		return;
	default:
		assert_int_equal(pulse_look(p),
		    c == 'o'       ? PULSE_PING
			: c == '.' ? PULSE_WAIT
				   : PULSE_STUCK);
	}
}

static void test_script(void **state)
{
	const struct row *r = *state;
	struct pulse p = { 0 };

	for (const char *c = r->script; *c != '\0'; c++)
		play(&p, *c);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_script);
	return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
