/* Rows of losses, each with who is to blame. */
#include "session/verdict.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <signal.h>

#include "base/util.h"

enum { BLOCK = 1600, LOSSES_MAX = 8 };

#define CAUSE(k, n)                                                                                \
	{                                                                                          \
		LOSS_##k, n                                                                        \
	}
#define AT(cause, at)                                                                              \
	{                                                                                          \
		cause, 0, at, true, true                                                           \
	}
#define FROM(cause, from, at)                                                                      \
	{                                                                                          \
		cause, from, at, true, true                                                        \
	}
#define WAITING(cause, at)                                                                         \
	{                                                                                          \
		cause, 0, at, false, false                                                         \
	}
#define ENDING(cause, at)                                                                          \
	{                                                                                          \
		cause, 0, at, true, false                                                          \
	}
#define SEGV         CAUSE(CRASHED, SIGSEGV)
#define ABRT         CAUSE(CRASHED, SIGABRT)
#define SYS          CAUSE(CRASHED, SIGSYS)
#define KILL         CAUSE(KILLED, SIGKILL)
#define TERM         CAUSE(KILLED, SIGTERM)
#define UNKNOWN      CAUSE(UNKNOWN, 0)
#define STUCK        CAUSE(STUCK, 0)
#define MEMORY       CAUSE(MEMORY, 0)
#define GARBAGE      CAUSE(GARBAGE, 0)
#define FAILED       CAUSE(FAILED, 0)
#define EXIT(status) CAUSE(EXITED, status)

static struct row {
	const char *name;
	struct lost_attempt attempts[9];
	size_t n;
	enum verdict want;
} rows[] = {
	{ "one crash is none", { AT(SEGV, 0) }, 1, VERDICT_GO_ON },
	{ "the same crash twice, wherever, is poison", { AT(SEGV, 0), AT(SEGV, 50 * BLOCK) }, 2,
	    VERDICT_POISON },
	{ "whatever else came between", { AT(SYS, 0), AT(KILL, 90000), AT(SYS, 50 * BLOCK) }, 3,
	    VERDICT_POISON },
	{ "two crashes of two kinds at two places are not", { AT(SEGV, 0), AT(ABRT, 9 * BLOCK) }, 2,
	    VERDICT_GO_ON },
	{ "at one place they are", { AT(SEGV, 9 * BLOCK), AT(ABRT, 9 * BLOCK) }, 2,
	    VERDICT_POISON },
	{ "memory twice is", { AT(MEMORY, 0), AT(MEMORY, 7 * BLOCK) }, 2, VERDICT_POISON },
	{ "an engine that fails twice is", { WAITING(FAILED, 0), WAITING(FAILED, 0) }, 2,
	    VERDICT_POISON },
	{ "garbage twice is", { AT(GARBAGE, 0), AT(GARBAGE, 0) }, 2, VERDICT_POISON },
	{ "the same status twice is", { AT(EXIT(1), 0), AT(EXIT(1), 0) }, 2, VERDICT_POISON },
	{ "two statuses at two places are not", { AT(EXIT(1), 0), AT(EXIT(2), 5 * BLOCK) }, 2,
	    VERDICT_GO_ON },
	{ "killed at two places is not", { AT(KILL, BLOCK), AT(KILL, 5 * BLOCK) }, 2,
	    VERDICT_GO_ON },
	{ "nor often at one by who kills once a second",
	    { AT(KILL, BLOCK), AT(KILL, BLOCK), AT(KILL, BLOCK), AT(KILL, BLOCK) }, 4,
	    VERDICT_GO_ON },
	{ "but three times in a row at one place from two is",
	    { AT(KILL, 9 * BLOCK), AT(KILL, 8 * BLOCK), FROM(KILL, 5 * BLOCK, 9 * BLOCK) }, 3,
	    VERDICT_POISON },
	{ "by whatever from outside",
	    { AT(KILL, 9 * BLOCK), AT(UNKNOWN, 9 * BLOCK), FROM(TERM, BLOCK, 9 * BLOCK) }, 3,
	    VERDICT_POISON },
	{ "not with one elsewhere between them",
	    { AT(KILL, 9 * BLOCK), AT(KILL, 9 * BLOCK), AT(KILL, BLOCK),
		FROM(KILL, BLOCK, 9 * BLOCK) },
	    4, VERDICT_GO_ON },
	{ "killed while it waited for more says nothing",
	    { WAITING(KILL, BLOCK), WAITING(KILL, BLOCK), WAITING(KILL, BLOCK),
		WAITING(KILL, BLOCK) },
	    4, VERDICT_GO_ON },
	{ "nor killed behind the last block, which takes long",
	    { ENDING(KILL, BLOCK), ENDING(KILL, BLOCK), ENDING(KILL, BLOCK) }, 3, VERDICT_GO_ON },
	{ "but a crash there is poison", { ENDING(SEGV, BLOCK), ENDING(SEGV, BLOCK) }, 2,
	    VERDICT_POISON },
	{ "stuck twice at one place is", { AT(STUCK, 3 * BLOCK), AT(STUCK, 3 * BLOCK) }, 2,
	    VERDICT_POISON },
	{ "also behind the last block", { ENDING(STUCK, BLOCK), ENDING(STUCK, BLOCK) }, 2,
	    VERDICT_POISON },
	{ "stuck at two places is not", { AT(STUCK, 3 * BLOCK), AT(STUCK, 9 * BLOCK) }, 2,
	    VERDICT_GO_ON },
	{ "stuck and killed at one place is not", { AT(KILL, BLOCK), AT(STUCK, BLOCK) }, 2,
	    VERDICT_GO_ON },
	{ "seven losses from outside are not enough",
	    { AT(KILL, 0), AT(KILL, 30000), AT(KILL, 60000), AT(KILL, 90000), AT(KILL, 120000),
		AT(KILL, 150000), AT(KILL, 180000) },
	    7, VERDICT_GO_ON },
	{ "eight are, and it is not to blame",
	    { AT(KILL, 0), AT(KILL, 30000), AT(KILL, 60000), AT(KILL, 90000), AT(KILL, 120000),
		AT(KILL, 150000), AT(KILL, 180000), AT(KILL, 0) },
	    8, VERDICT_GIVE_UP },
};

static void test_verdict(void **state)
{
	const struct row *r = *state;

	assert_int_equal(verdict_of(r->attempts, r->n, r->n, LOSSES_MAX), r->want);
}

/* Those that were lost before it got as far as it has do not count against the limit. */
static void test_progress(void **state)
{
	const struct lost_attempt a[] = { AT(KILL, 0), AT(KILL, 9000), FROM(KILL, 8000, 30000) };

	(void)state;
	assert_int_equal(verdict_of(a, 3, 3, 3), VERDICT_GIVE_UP);
	assert_int_equal(verdict_of(a, 3, 1, 3), VERDICT_GO_ON);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_verdict, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(test_progress);
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
