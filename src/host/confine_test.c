/* A child is confined and does one thing; what became of it tells whether it may. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "host/confine.h"
#include "host/copy.h"
#include "host/memory.h"
#include "host/sanitized.h"

enum { FINE = 42, PAGE_BYTES = 4096 };

static int sockets[2], pipes[2];

/* Each returns whether it went well; most of the forbidden ones never return. */
typedef bool deed_f(void);

static bool deed_messages(void)
{
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	struct pollfd pfd = { sockets[1], POLLIN, 0 };

	return sendmsg(sockets[0], &m, MSG_NOSIGNAL) == 1 && poll(&pfd, 1, 1000) == 1 &&
	    recvmsg(sockets[1], &m, MSG_CMSG_CLOEXEC) == 1;
}

static bool deed_words(void)
{
	(void)printf("to stdout, which stdio looks at first\n");
	return fflush(stdout) == 0 && fprintf(stderr, "to stderr\n") > 0 &&
	    write(pipes[1], "x", 1) == 1;
}

static bool deed_memory(void)
{
	char *small = malloc(100), *large = malloc(8 << 20), *more;

	if (small == NULL || large == NULL)
		return false;
	memset(large, 1, 8 << 20);
	(void)madvise(large + PAGE_BYTES, PAGE_BYTES, 25); /* MADV_COLLAPSE, of hugepages.c */
	more = realloc(large, 16 << 20);
	free(small);
	free(more);
	return more != NULL;
}

static bool deed_clocks(void)
{
	const struct timespec short_while = { 0, 1000 };
	struct rusage usage;

	return nanosleep(&short_while, NULL) == 0 && clock_process_cpu_ns() > 0 &&
	    syscall(SYS_clock_gettime, CLOCK_REALTIME, &(struct timespec){ 0, 0 }) == 0 &&
	    getrusage(RUSAGE_SELF, &usage) == 0;
}

static bool deed_own_memory_use(void)
{
	return memory_rss_kb() > 0;
}

static bool deed_flags(void)
{
	int flags = fcntl(sockets[0], F_GETFL);

	return flags >= 0 && fcntl(sockets[0], F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool deed_look_at_descriptor(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0;
}

static bool deed_crash(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	return raise(SIGSEGV) == 0;
}

static bool deed_abort(void)
{
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

static bool deed_signal_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool deed_thread_signal_parent(void)
{
	return syscall(SYS_tgkill, 1, 1, 0) == 0;
}

static bool deed_open(void)
{
	return open("/dev/null", O_RDONLY) >= 0;
}

static bool deed_open_how(void)
{
	return syscall(SYS_openat2, AT_FDCWD, "/dev/null", (uint64_t[3]){ O_RDONLY, 0, 0 }, 24) >=
	    0;
}

static bool deed_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool deed_connect(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET };

	return connect(sockets[0], (const struct sockaddr *)&to, sizeof to) == 0;
}

static bool deed_exec(void)
{
	char *args[] = { (char *)(uintptr_t) "true", NULL };

	return execve("/bin/true", args, args + 1) == 0;
}

static bool deed_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool deed_read_other(void)
{
	return syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0) == 0;
}

static bool deed_unlink(void)
{
	return unlink("/no/such/file") == 0;
}

static bool deed_raise_limits(void)
{
	return setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0;
}

static bool deed_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL) >= 0;
}

static bool deed_make_code(void)
{
	return mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	    MAP_FAILED;
}

#ifdef SANITIZED /* a report tries these, and goes on without */
static bool deed_fork_in_vain(void)
{
	return fork() < 0 && errno == EPERM;
}
#else
static bool deed_open_old(void)
{
#ifdef SYS_open
	return syscall(SYS_open, "/dev/null", O_RDONLY) >= 0;
#else
	return deed_open();
#endif
}

static bool deed_fork(void)
{
	return fork() >= 0;
}
#endif

static void *be_thread(void *arg)
{
	*(int *)arg = malloc(100) == NULL ? 0 : FINE;
	return NULL;
}

static bool deed_thread(void)
{
	pthread_t thread;
	int done = 0;

	return pthread_create(&thread, NULL, be_thread, &done) == 0 &&
	    pthread_join(thread, NULL) == 0 && done == FINE;
}

/* As an instance has them: where they lead to a file, nothing may be written. */
static void take_descriptors(void)
{
	int null = open("/dev/null", O_RDWR);

	(void)fflush(stdout);
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(pipes[1], STDERR_FILENO);
	(void)close(null);
}

static void do_confined(const struct confine_config *cfg, deed_f *deed)
{
	struct confine *c;
	struct error err = ERROR_INIT;

	memory_open();
	take_descriptors();
	if (confine_new(&c, cfg, &err) < 0 || confine_enter(c, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
	_exit(deed() ? FINE : 2);
}

static int fate_of(const struct confine_config *cfg, deed_f *deed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		do_confined(cfg, deed);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static struct row {
	const char *name;
	deed_f *deed;
	int signal; /* 0: it may */
} rows[] = {
	{ "messages come and go", deed_messages, 0 },
	{ "words are written", deed_words, 0 },
	{ "memory is had", deed_memory, 0 },
	{ "time passes", deed_clocks, 0 },
	{ "its own memory is measured", deed_own_memory_use, 0 },
	{ "its socket is made non-blocking", deed_flags, 0 },
	{ "a descriptor it holds is looked at", deed_look_at_descriptor, 0 },
	{ "a crash is a crash", deed_crash, SIGSEGV },
	{ "an assertion that fails is one", deed_abort, SIGABRT },
	{ "no signal to its parent", deed_signal_parent, SIGSYS },
	{ "no signal to another's thread", deed_thread_signal_parent, SIGSYS },
	{ "no file", deed_open, SIGSYS },
	{ "no file in the new way", deed_open_how, SIGSYS },
	{ "no socket", deed_socket, SIGSYS },
	{ "no connection", deed_connect, SIGSYS },
	{ "no program", deed_exec, SIGSYS },
	{ "no tracing", deed_ptrace, SIGSYS },
	{ "no look into others", deed_read_other, SIGSYS },
	{ "no file is removed", deed_unlink, SIGSYS },
	{ "no limit is raised", deed_raise_limits, SIGSYS },
	{ "no way around by io_uring", deed_io_uring, SIGSYS },
	{ "no code is made", deed_make_code, SIGSYS },
#ifdef SANITIZED
	{ "no child", deed_fork_in_vain, 0 },
#else
	{ "no file in the old way", deed_open_old, SIGSYS },
	{ "no child", deed_fork, SIGSYS },
	{ "no thread of an engine that needs none", deed_thread, SIGSYS },
#endif
};

/* Of an engine that starts threads. */
static struct row thread_rows[] = {
	{ "beside threads: a thread", deed_thread, 0 },
	{ "beside threads: no program", deed_exec, SIGSYS },
	{ "beside threads: no file", deed_open, SIGSYS },
#ifndef SANITIZED
	{ "beside threads: no child", deed_fork, SIGSYS },
#endif
};

/* An instance has as many descriptors as it may have but two. */
static int make_copy(void)
{
	(void)close(pipes[0]);
	return copy_make();
}

/* What such a copy may do is what we may. */
static bool deed_copy(void)
{
	int copy = make_copy();
	bool well = false;

	if (copy == 0)
		_exit(deed_messages() && deed_memory() ? 0 : 1);
	while (copy > 0 && !copy_has_ended(&copy, &well))
		(void)sched_yield();
	return copy == -1 && well;
}

static bool deed_end_copy(void)
{
	int copy = make_copy();

	if (copy < 0)
		return false;
	if (copy == 0)
		(void)poll(NULL, 0, -1);
	copy_end(&copy);
	return copy == -1;
}

static bool deed_copy_that_opens(void)
{
	int copy = make_copy();
	bool well = true;

	if (copy == 0)
		_exit(deed_open() ? 0 : 1);
	while (copy > 0 && !copy_has_ended(&copy, &well))
		(void)sched_yield();
	return copy == -1 && !well;
}

static bool deed_copied_limits(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NPROC, &r) == 0 && r.rlim_cur > 0 && r.rlim_cur < RLIM_INFINITY;
}

/* Of an engine whose eager finals come from copies. */
static struct row copy_rows[] = {
	{ "beside copies: a copy", deed_copy, 0 },
	{ "beside copies: one is ended", deed_end_copy, 0 },
	{ "beside copies: one is as confined", deed_copy_that_opens, 0 },
	{ "beside copies: not any number of them", deed_copied_limits, 0 },
	{ "beside copies: no program", deed_exec, SIGSYS },
	{ "beside copies: no signal to its parent", deed_signal_parent, SIGSYS },
#ifndef SANITIZED
	{ "beside copies: no other child", deed_fork, SIGSYS },
	{ "beside copies: no thread", deed_thread, SIGSYS },
#endif
};

static void assert_fate(const struct confine_config *cfg, const struct row *r)
{
	int status = fate_of(cfg, r->deed);

	if (r->signal == 0)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == FINE);
	else
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == r->signal);
}

static void test_row(void **state)
{
	assert_fate(&(struct confine_config){ .filter = true }, *state);
}

static void test_thread_row(void **state)
{
	assert_fate(&(struct confine_config){ .filter = true, .threads = true }, *state);
}

static void test_copy_row(void **state)
{
	assert_fate(&(struct confine_config){ .filter = true, .copies = true }, *state);
}

static bool has_limit(int resource, rlim_t most)
{
	struct rlimit r;

	return getrlimit((__rlimit_resource_t)resource, &r) == 0 && r.rlim_cur == most;
}

static bool deed_low_limits(void)
{
	return has_limit(RLIMIT_CORE, 0) && has_limit(RLIMIT_FSIZE, 0) &&
	    has_limit(RLIMIT_NPROC, 0) && has_limit(RLIMIT_NOFILE, 8);
}

static bool deed_limits_of_the_free(void)
{
	return has_limit(RLIMIT_CORE, 0) && !has_limit(RLIMIT_FSIZE, 0) && deed_open();
}

static bool deed_dumpable(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur == r.rlim_max &&
	    !has_limit(RLIMIT_FSIZE, 0) && prctl(PR_GET_DUMPABLE) == 1;
}

static bool deed_hidden(void)
{
	return prctl(PR_GET_DUMPABLE) == 0;
}

static void assert_fine(const struct confine_config *cfg, deed_f *deed)
{
	int status = fate_of(cfg, deed);

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == FINE);
}

static void test_limits(void **state)
{
	(void)state;
	assert_fine(&(struct confine_config){ .filter = true }, deed_low_limits);
	assert_fine(&(struct confine_config){ .filter = false }, deed_limits_of_the_free);
	assert_fine(&(struct confine_config){ .core_dumps = true }, deed_dumpable);
	assert_fine(&(struct confine_config){ .is_roots = true }, deed_hidden);
}

/* As some containers have it: seccomp itself is refused. */
static void refuse_seccomp(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (ctx == NULL || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0) < 0 ||
	    seccomp_load(ctx) < 0)
		_exit(3);
	seccomp_release(ctx);
}

static void test_a_kernel_that_refuses_is_told_of(void **state)
{
	const struct confine_config cfg = { .filter = true };
	struct confine *c = NULL;
	struct error err = ERROR_INIT;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		refuse_seccomp();
		if (confine_new(&c, &cfg, &err) == 0 || c != NULL)
			_exit(1);
		(void)fprintf(stderr, "%s\n", err.text);
		_exit(strstr(err.text, "confine = yes, but") != NULL &&
			    strstr(err.text, "set confine = no") != NULL
			? FINE
			: 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == FINE);
}

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) < 0 || pipe(pipes) < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_a_kernel_that_refuses_is_told_of),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(rows) + ARRAY_SIZE(thread_rows) +
	    ARRAY_SIZE(copy_rows)];
	size_t n = ARRAY_SIZE(tests) + ARRAY_SIZE(rows) + ARRAY_SIZE(thread_rows);

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(thread_rows); i++)
		all[ARRAY_SIZE(tests) + ARRAY_SIZE(rows) + i] =
		    (struct CMUnitTest){ thread_rows[i].name, test_thread_row, NULL, NULL,
			    &thread_rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(copy_rows); i++)
		all[n + i] = (struct CMUnitTest){ copy_rows[i].name, test_copy_row, NULL, NULL,
			&copy_rows[i] };
	return cmocka_run_group_tests_name("confine", all, setup, NULL);
}
