/* A child becomes somebody else, for there is no way back. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/test_skip.h"
#include "base/user.h"
#include "base/util.h"

enum { FINE = 42 };

static bool has_group_of_root(void)
{
	gid_t groups[64];
	int n = getgroups((int)ARRAY_SIZE(groups), groups);

	for (int i = 0; i < n; i++)
		if (groups[i] == 0)
			return true;
	return n < 0;
}

static bool is_now(const char *name)
{
	const struct passwd *p = getpwnam(name);

	return p != NULL && getuid() == p->pw_uid && geteuid() == p->pw_uid &&
	    getgid() == p->pw_gid && getegid() == p->pw_gid && !has_group_of_root();
}

/* There is no way back, and what a host reads of itself is still there. */
static bool becomes(const char *name, const char *then)
{
	struct error err = ERROR_INIT;

	return user_become(name, &err) == 0 && is_now(then) && setuid(0) < 0 &&
	    access("/proc/self/pagemap", R_OK) == 0;
}

static bool the_default(void)
{
	return becomes("", getpwnam("stenopool") != NULL ? "stenopool" : "nobody");
}

static bool a_named_one(void)
{
	return becomes("daemon", "daemon");
}

static bool root_stays(void)
{
	struct error err = ERROR_INIT;

	return user_become("root", &err) == 0 && geteuid() == 0;
}

static bool nobody_there(void)
{
	struct error err = ERROR_INIT;

	return user_become("no-such-user", &err) < 0 && geteuid() == 0 &&
	    strcmp(err.text, "user = no-such-user, but there is no such account") == 0;
}

/* Where root did not start us, nothing happens, whoever is named. */
static bool not_root(void)
{
	struct error err = ERROR_INIT;
	uid_t me = 12345;

	return setresuid(me, me, me) == 0 && user_become("no-such-user", &err) == 0 &&
	    user_become("daemon", &err) == 0 && geteuid() == me;
}

static struct row {
	const char *name;
	bool (*holds)(void);
} rows[] = {
	{ "without a name it is who is meant for it", the_default },
	{ "a name is an account's", a_named_one },
	{ "root stays root", root_stays },
	{ "a name that is no account's is an error", nobody_there },
	{ "who is not root stays who he is", not_root },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		test_skip("not root");
	pid = fork();
	if (pid == 0)
		_exit(r->holds() ? FINE : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == FINE);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
