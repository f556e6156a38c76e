#define _GNU_SOURCE
#include "host/profile.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/util.h"

static const char *const names[PROFILES] = {
	[PROFILE_OFFLINE] = "offline", [PROFILE_NONE] = "none"
};

/* libseccomp has a number for each of them, also where the kernel or the machine has no such call. */
static const int refused[] = {
	/* other processes */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(perf_event_open),
	/* files and where they are seen */
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fspick),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(quotactl),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	/* the kernel and the machine */
	SCMP_SYS(bpf),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(reboot),
	SCMP_SYS(syslog),
	SCMP_SYS(acct),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	/* keys */
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	/* ways around a filter */
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
};

#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	    CLONE_NEWPID | CLONE_NEWNET)

/* What clone3 is to do stands in memory, where no filter can look; a C library that may not call it does the same with clone. */
static int refuse_namespaces(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (uint64_t bit = 1; bit <= NEW_NAMESPACES && rc == 0; bit <<= 1)
		if ((NEW_NAMESPACES & bit) != 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			    SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, bit, bit));
	return rc;
}

static int add_rules(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
	    SCMP_CMP64(0, SCMP_CMP_NE, AF_UNIX, 0));

	for (size_t i = 0; i < ARRAY_SIZE(refused) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	return rc == 0 ? refuse_namespaces(ctx) : rc;
}

static int compile(struct filter *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (ctx == NULL)
		return -ENOSYS; /* libseccomp has asked the kernel */
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	if (rc == 0)
		rc = add_rules(ctx);
	if (rc == 0)
		rc = filter_compile(f, ctx);
	seccomp_release(ctx);
	return rc;
}

int profile_find(enum profile_kind *out, const char *name, struct error *err)
{
	for (unsigned i = 0; i < PROFILES; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum profile_kind)i;
			return 0;
		}
	}
	return error_set(
	    err, ERROR_CONFIG, "param.profile: '%s' is none; offline and none are known", name);
}

int profile_init(struct profile *p, enum profile_kind kind, bool core_dumps, struct error *err)
{
	int rc;

	*p = (struct profile){ kind, core_dumps, { 0 } };
	rc = kind == PROFILE_OFFLINE ? compile(&p->filter) : 0;
	if (rc == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM,
	    "confine = yes, but system calls cannot be filtered here (seccomp: %s); allow it, or "
	    "set "
	    "param.profile = none",
	    strerror(-rc));
}

static int set_core(bool wanted)
{
	struct rlimit core = { 0, 0 };

	if (wanted && getrlimit(RLIMIT_CORE, &core) == 0)
		core.rlim_cur = core.rlim_max;
	return setrlimit(RLIMIT_CORE, &core);
}

int profile_enter(const struct profile *p)
{
	if (set_core(p->core_dumps) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return p->filter.program == NULL ? 0 : filter_enter(&p->filter);
}

void profile_done(struct profile *p)
{
	filter_done(&p->filter);
}
