/* Calls are refused with EPERM, not by death: libraries try this and that when they are loaded, and can do without.
 *
 * One program may be executed, by its descriptor, and that descriptor's number lies above the limit of descriptors: nothing
 * else can ever get that number. So a decoder that was taken over can start itself anew and nothing else. */
#define _GNU_SOURCE
#include "decoder/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/user.h"
#include "base/util.h"
#include "decoder/files.h"

/* Names, as not every libseccomp knows them all; those that the machine does not have are left out. */
static const char *const refused[] = {
	/* the network, and talking to other processes */
	"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto",
	"sendmsg", "sendmmsg", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop",
	"semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "memfd_create",
	"memfd_secret",
	/* other processes */
	"fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"process_mrelease", "kcmp", "kill", "tkill", "tgkill", "rt_sigqueueinfo",
	"rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "setpriority",
	"ioprio_set", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
	"move_pages", "migrate_pages", "get_robust_list", "execve",
	/* files: changing them, and ways to them around their names */
	"creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
	"renameat2", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod",
	"fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "truncate",
	"ftruncate", "fallocate", "utime", "utimes", "utimensat", "futimesat", "setxattr",
	"lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
	"name_to_handle_at", "open_by_handle_at", "fanotify_init", "fanotify_mark", "inotify_init",
	"inotify_init1", "flock",
	/* the machine */
	"mount", "umount", "umount2", "pivot_root", "chroot", "unshare", "setns", "fsopen",
	"fsmount", "fsconfig", "fspick", "move_mount", "open_tree", "mount_setattr", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"io_setup", "io_submit", "kexec_load", "kexec_file_load", "init_module", "finit_module",
	"delete_module", "keyctl", "add_key", "request_key", "reboot", "swapon", "swapoff", "acct",
	"quotactl", "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"sethostname", "setdomainname", "syslog", "iopl", "ioperm", "modify_ldt", "personality",
	"lookup_dcookie", "vhangup", "setuid", "setgid", "setreuid", "setregid", "setresuid",
	"setresgid", "setgroups", "setfsuid", "setfsgid", "capset"
};

/* Where the C library falls back on an older call, whose arguments can be looked at. */
static const char *const unknown[] = { "clone3", "openat2" };

/* Only if the masked argument compares so with the value. */
static const struct conditional {
	const char *call;
	unsigned argument;
	enum scmp_compare compare;
	uint64_t mask, value; /* of a comparison without mask, mask is what is compared with */
} conditionals[] = {
	{ "clone", 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 },
	{ "open", 1, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY },
	{ "open", 1, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR },
	{ "open", 1, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT },
	{ "open", 1, SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC },
	{ "openat", 2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY },
	{ "openat", 2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR },
	{ "openat", 2, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT },
	{ "openat", 2, SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC },
	{ "execveat", 0, SCMP_CMP_NE, CAGE_PROGRAM_FD, 0 },
	{ "execveat", 4, SCMP_CMP_NE, AT_EMPTY_PATH, 0 },
	{ "prlimit64", 0, SCMP_CMP_NE, 0, 0 },
	{ "fcntl", 1, SCMP_CMP_EQ, F_SETOWN, 0 },
	{ "fcntl", 1, SCMP_CMP_EQ, F_SETOWN_EX, 0 },
	{ "prctl", 0, SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0 },
};

static int add_names(scmp_filter_ctx ctx, const char *const *names, size_t n, int error)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);

		if (call != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint16_t)error), call, 0);
	}
	return rc;
}

static int add_rules(scmp_filter_ctx ctx)
{
	int rc = add_names(ctx, refused, ARRAY_SIZE(refused), EPERM);

	if (rc == 0)
		rc = add_names(ctx, unknown, ARRAY_SIZE(unknown), ENOSYS);
	for (size_t i = 0; i < ARRAY_SIZE(conditionals) && rc == 0; i++) {
		const struct conditional *c = &conditionals[i];

		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    seccomp_syscall_resolve_name(c->call), 1,
		    SCMP_CMP64(c->argument, c->compare, c->mask, c->value));
	}
	return rc;
}

/* It sets PR_SET_NO_NEW_PRIVS too. */
static int filter_calls(struct error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc = ctx == NULL ? -ENOSYS : add_rules(ctx);

	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM,
	    "the system lets no decoder filter its system calls (seccomp: %s); allow it, in the "
	    "profile "
	    "of the container if this is one",
	    strerror(-rc));
}

/* At the hard limit of processor time it is SIGKILL, which says less than SIGXCPU at the soft one. */
static int limit(int resource, rlim_t most, struct error *err)
{
	const struct rlimit r = { most, resource == RLIMIT_CPU ? most + 1 : most };

	if (setrlimit((__rlimit_resource_t)resource, &r) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot lower the limits of a decoder");
	return 0;
}

/* Not of processes: that one counts all of the user's, and the filter lets none be made. */
static int set_limits(const struct cage_config *cfg, struct error *err)
{
	if (limit(RLIMIT_CORE, 0, err) < 0 || limit(RLIMIT_FSIZE, 0, err) < 0 ||
	    limit(RLIMIT_NOFILE, CAGE_DESCRIPTORS_MAX, err) < 0 ||
	    limit(RLIMIT_CPU, cfg->cpu_s, err) < 0)
		return -1;
	return limit(RLIMIT_AS, (rlim_t)cfg->memory_mb << 20, err);
}

/* Who was started by a server that has ended in the meantime finds its stdin closed. The change of user would take the
 * wish back. */
static int leave_all(const struct cage_config *cfg, struct error *err)
{
	if (user_become("", err) < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || chdir("/") < 0 ||
	    close_range(STDERR_FILENO + 1, (unsigned)cfg->program - 1, 0) < 0 ||
	    close_range((unsigned)cfg->program + 1, UINT32_MAX, 0) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot confine a decoder");
	return 0;
}

int cage_enter(const struct cage_config *cfg, struct error *err)
{
	if (leave_all(cfg, err) < 0 || files_restrict(cfg->program, cfg->path, err) < 0 ||
	    filter_calls(err) < 0)
		return -1;
	return set_limits(cfg, err);
}
