/* A child takes the profile on and tries one thing: what is refused fails with EPERM and harms it no further. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/profile.h"

/* Each returns 0 if it went well, or errno. */
typedef int deed_f(void);

static int outcome(long rc)
{
	return rc < 0 ? errno : 0;
}

static int deed_inet(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int deed_inet6(void)
{
	return outcome(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int deed_netlink(void)
{
	return outcome(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int deed_unix(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int deed_pair(void)
{
	int fds[2];

	return outcome(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
}

static int deed_ptrace(void)
{
	return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int deed_mount(void)
{
	return outcome(mount("none", "/nowhere", "tmpfs", 0, NULL));
}

static int deed_namespace(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int deed_clone_namespace(void)
{
	return outcome(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int deed_io_uring(void)
{
	return outcome(syscall(SYS_io_uring_setup, 1, NULL));
}

static int deed_bpf(void)
{
	return outcome(syscall(SYS_bpf, 0, NULL, 0));
}

static int deed_keyctl(void)
{
	return outcome(syscall(SYS_keyctl, 0, -3, 0));
}

static int deed_file(void)
{
	return outcome(open("/proc/self/status", O_RDONLY));
}

static int deed_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return outcome(waitpid(pid, NULL, 0));
}

static void *nothing(void *arg)
{
	return arg;
}

static int deed_thread(void)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, nothing, NULL);

	return rc != 0 ? rc : pthread_join(thread, NULL);
}

static int deed_rights(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : EINVAL;
}

static int deed_no_core(void)
{
	struct rlimit core;

	(void)getrlimit(RLIMIT_CORE, &core);
	return core.rlim_max == 0 ? 0 : EINVAL;
}

static struct row {
	const char *name;
	enum profile_kind kind;
	deed_f *deed;
	int want;
} rows[] = {
	{ "offline: no socket of the internet", PROFILE_OFFLINE, deed_inet, EPERM },
	{ "offline: nor of its sixth version", PROFILE_OFFLINE, deed_inet6, EPERM },
	{ "offline: nor of the kernel", PROFILE_OFFLINE, deed_netlink, EPERM },
	{ "offline: sockets of this machine", PROFILE_OFFLINE, deed_unix, 0 },
	{ "offline: pairs of sockets", PROFILE_OFFLINE, deed_pair, 0 },
	{ "offline: no tracing", PROFILE_OFFLINE, deed_ptrace, EPERM },
	{ "offline: no mounting", PROFILE_OFFLINE, deed_mount, EPERM },
	{ "offline: no namespace of its own", PROFILE_OFFLINE, deed_namespace, EPERM },
	{ "offline: nor by a child", PROFILE_OFFLINE, deed_clone_namespace, EPERM },
	{ "offline: no io_uring, which asks no filter", PROFILE_OFFLINE, deed_io_uring, EPERM },
	{ "offline: no BPF", PROFILE_OFFLINE, deed_bpf, EPERM },
	{ "offline: no keys", PROFILE_OFFLINE, deed_keyctl, EPERM },
	{ "offline: files", PROFILE_OFFLINE, deed_file, 0 },
	{ "offline: children", PROFILE_OFFLINE, deed_child, 0 },
	{ "offline: threads", PROFILE_OFFLINE, deed_thread, 0 },
	{ "offline: no rights from other programs", PROFILE_OFFLINE, deed_rights, 0 },
	{ "offline: no core files", PROFILE_OFFLINE, deed_no_core, 0 },
	{ "none: sockets of the internet", PROFILE_NONE, deed_inet, 0 },
	{ "none: no rights from other programs", PROFILE_NONE, deed_rights, 0 },
	{ "none: no core files", PROFILE_NONE, deed_no_core, 0 },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct profile p;
	struct error err;
	int status;
	pid_t pid;

	assert_int_equal(profile_init(&p, r->kind, false, &err), 0);
	pid = fork();
	if (pid == 0)
		_exit(profile_enter(&p) < 0 ? 255 : r->deed());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), r->want);
	profile_done(&p);
}

static void test_names(void **state)
{
	enum profile_kind kind = PROFILES;
	struct error err;

	(void)state;
	assert_int_equal(profile_find(&kind, "none", &err), 0);
	assert_int_equal(kind, PROFILE_NONE);
	assert_int_equal(profile_find(&kind, "offline", &err), 0);
	assert_int_equal(kind, PROFILE_OFFLINE);
	assert_int_equal(profile_find(&kind, "off", &err), -1);
	assert_string_equal(err.text, "param.profile: 'off' is none; offline and none are known");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(test_names);
	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
