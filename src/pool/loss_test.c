#include "pool/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>

#include "base/util.h"

static struct row {
	const char *name;
	int wait_status;
	struct loss_cause want;
} rows[] = {
	{ "SIGKILL comes from outside", SIGKILL, { LOSS_KILLED, SIGKILL } },
	{ "so does SIGTERM", SIGTERM, { LOSS_KILLED, SIGTERM } },
	{ "SIGSEGV is its own doing", SIGSEGV, { LOSS_CRASHED, SIGSEGV } },
	{ "also where it left a core", SIGSEGV | 0x80, { LOSS_CRASHED, SIGSEGV } },
	{ "SIGABRT is", SIGABRT, { LOSS_CRASHED, SIGABRT } },
	{ "SIGBUS is", SIGBUS, { LOSS_CRASHED, SIGBUS } },
	{ "SIGSYS is", SIGSYS, { LOSS_CRASHED, SIGSYS } },
	{ "it left with a status", 3 << 8, { LOSS_EXITED, 3 } },
	{ "it left without one", 0, { LOSS_EXITED, 0 } },
	{ "nobody knows", -1, { LOSS_UNKNOWN, 0 } },
};

static void test_of_exit(void **state)
{
	const struct row *r = *state;
	struct loss_cause got = loss_of_exit(r->wait_status);

	assert_int_equal(got.kind, r->want.kind);
	assert_int_equal(got.number, r->want.number);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_of_exit, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
