#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process_state.h"

static void it_is_told_whatever_the_name(void **state)
{
	siginfo_t info;
	pid_t child;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a) Z (b", 0, 0, 0), 0);
	assert_int_equal(process_state(getpid()), 'R');
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
	assert_int_equal(process_state(child), 'T');
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_state(child), 'Z');
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(process_state(child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_whatever_the_name),
	};

	return cmocka_run_group_tests_name("process_state", tests, NULL, NULL);
}
