/* Why an own process id is in the filter: signals may be sent to oneself (raise, abort) and to nobody else, and the
 * id is only known in the newborn. So the program is compiled with a number in its place, and the newborn, which has
 * a copy of its own of that page, writes its id there. */
#define _GNU_SOURCE
#include "host/confine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/filter.h"
#include "host/sanitized.h"

#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

enum {
	OWN_PID = 0x53544550,  /* no process has so high an id (at most 2^22) */
	DESCRIPTORS_MAX = 8,   /* stdin, stdout, stderr, its socket, /proc/self/statm */
	PROCESSES_MAX = 16384, /* of one user, where they make copies of themselves */
	EXIT_UNCONFINED = 255, /* of the child that tries; a smaller status is an errno */
};

struct confine {
	struct confine_config cfg;
	struct filter filter;
};

static const int allowed[] = {
	/* what it holds */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(close),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* time, and what it has used */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrusage),
	SCMP_SYS(times),
	SCMP_SYS(sched_yield),
	SCMP_SYS(restart_syscall),
	/* who and where it is: what a C library asks */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getcpu),
	SCMP_SYS(getrandom),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	/* signals, the end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
#ifdef SANITIZED
	SCMP_SYS(prctl),
	SCMP_SYS(mincore),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
#endif
};

/* Only if the masked argument has the value. */
static const struct conditional {
	int call;
	unsigned argument;
	uint64_t mask, value;
} conditionals[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 }, { SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(kill), 0, UINT64_MAX, OWN_PID }, { SCMP_SYS(tgkill), 0, UINT64_MAX, OWN_PID },
	{ SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFL }, { SCMP_SYS(fcntl), 1, UINT32_MAX, F_SETFL },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS }, /* stdio, at the first use of stdout */
	{ SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH, AT_EMPTY_PATH }, /* fstat of many a libc */
	{ SCMP_SYS(prlimit64), 2, UINT64_MAX, 0 },                 /* reading */
};

/* What an engine needs that starts threads. What clone3 is to do stands in memory, where no filter can look; a C library
 * that may not call it does the same with clone. */
static const int thread_calls[] = { SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler) };

static int add_thread_rules(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	for (size_t i = 0; i < ARRAY_SIZE(thread_calls) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, thread_calls[i], 0);
	return rc;
}

/* What it takes to make a copy of the process (host/copy.h) and to end it: only with a descriptor of the copy, which nobody else gives it.
 */
static const int copy_calls[] = { SCMP_SYS(pidfd_send_signal), SCMP_SYS(waitid),
	SCMP_SYS(getppid) };

static int add_copy_rules(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_CMP64(0, SCMP_CMP_EQ, CLONE_PIDFD | SIGCHLD, 0));

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 2,
		    SCMP_CMP64(0, SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0),
		    SCMP_CMP64(1, SCMP_CMP_EQ, SIGKILL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(copy_calls) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, copy_calls[i], 0);
	return rc;
}

#ifdef SANITIZED
/* What a sanitizer tries while it words its report, and can do without. (It opens files in the old way; a C library
 * does not.) */
static const int refused[] = { SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(open), SCMP_SYS(pipe),
	SCMP_SYS(pipe2), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(stat), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat) };

static int refuse_threads(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 0);

	return rc < 0 ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone3), 0);
}
#endif

static int add_rules(scmp_filter_ctx ctx, bool threads, bool copies)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(conditionals) && rc == 0; i++) {
		const struct conditional *c = &conditionals[i];

		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->call, 1,
		    SCMP_CMP64(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value));
	}
	if (rc == 0 && threads)
		rc = add_thread_rules(ctx);
	if (rc == 0 && copies)
		rc = add_copy_rules(ctx);
#ifdef SANITIZED
	if (rc == 0 && !threads && !copies)
		rc = refuse_threads(ctx);
	for (size_t i = 0; i < ARRAY_SIZE(refused) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
#endif
	return rc;
}

static int compile(struct confine *c)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (ctx == NULL)
		return -ENOSYS; /* libseccomp has asked the kernel */
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	if (rc == 0)
		rc = add_rules(ctx, c->cfg.threads, c->cfg.copies);
	if (rc == 0)
		rc = filter_compile(&c->filter, ctx);
	seccomp_release(ctx);
	return rc;
}

static void write_own_pid(struct confine *c)
{
	unsigned found = 0;

	for (unsigned i = 0; i < c->filter.n; i++) {
		struct sock_filter *at = &c->filter.program[i];

		if (BPF_CLASS(at->code) != BPF_JMP || at->k != OWN_PID)
			continue;
		at->k = (uint32_t)getpid();
		found++;
	}
	assert(found > 0);
}

static int limit(int resource, rlim_t most)
{
	const struct rlimit r = { most, most };

	return setrlimit((__rlimit_resource_t)resource, &r);
}

/* As it is where it is lower. */
static int limit_processes(rlim_t most)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NPROC, &now) < 0)
		return -1;
	return limit(RLIMIT_NPROC, MIN(most, now.rlim_max));
}

static int set_limits(const struct confine_config *cfg)
{
	struct rlimit core = { 0, 0 };

	if (cfg->core_dumps && getrlimit(RLIMIT_CORE, &core) == 0)
		core.rlim_cur = core.rlim_max;
	if (setrlimit(RLIMIT_CORE, &core) < 0)
		return -1;
	if (!cfg->filter)
		return 0;
	if (!cfg->core_dumps && limit(RLIMIT_FSIZE, 0) < 0) /* it limits core files too */
		return -1;
	if (limit(RLIMIT_NOFILE, DESCRIPTORS_MAX) < 0)
		return -1;
	/* It counts the threads of all processes of the user, so with threads it is left to the filter; with copies it is a bound for
	 * all instances and their copies together. */
	if (cfg->threads)
		return 0;
	return limit_processes(cfg->copies ? PROCESSES_MAX : 0);
}

static int filter_calls(struct confine *c)
{
#ifdef SANITIZED
	__sanitizer_sandbox_on_notify(NULL); /* it reads now what it could not read then */
#endif
	write_own_pid(c);
	return filter_enter(&c->filter);
}

static int refuse(struct error *err)
{
	return error_set(err, ERROR_SYSTEM,
	    "confine = yes, but the system lets no instance filter its system calls (seccomp: %s); "
	    "allow it, in the profile of the container if this is one, or set confine = no",
	    strerror(errno));
}

int confine_enter(struct confine *c, struct error *err)
{
	if (set_limits(&c->cfg) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot lower the limits of an instance");
	if (c->cfg.core_dumps || c->cfg.is_roots)
		(void)prctl(PR_SET_DUMPABLE, c->cfg.core_dumps, 0, 0, 0);
	if (c->cfg.filter && filter_calls(c) < 0)
		return refuse(err);
	return 0;
}

static void try(struct confine *c)
{
	struct error ignored;

	errno = 0;
	if (confine_enter(c, &ignored) == 0)
		_exit(0);
	_exit(errno > 0 && errno < EXIT_UNCONFINED ? errno : EXIT_UNCONFINED);
}

static int have_tried(struct confine *c, struct error *err)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		try(c);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return error_set_errno(err, ERROR_SYSTEM, "cannot fork");
	if (status == 0)
		return 0;
	errno = WIFEXITED(status) && WEXITSTATUS(status) != EXIT_UNCONFINED ? WEXITSTATUS(status)
									    : EPERM;
	return refuse(err);
}

int confine_new(struct confine **out, const struct confine_config *cfg, struct error *err)
{
	struct confine *c = xcalloc(1, sizeof *c);
	int rc;

	c->cfg = *cfg;
	rc = cfg->filter ? compile(c) : 0;
	if (rc < 0) {
		errno = -rc;
		(void)refuse(err);
	}
	if (rc < 0 || (cfg->filter && have_tried(c, err) < 0)) {
		confine_free(&c);
		return -1;
	}
	*out = c;
	return 0;
}

void confine_free(struct confine **confine)
{
	struct confine *c = *confine;

	*confine = NULL;
	if (c == NULL)
		return;
	filter_done(&c->filter);
	free(c);
}
