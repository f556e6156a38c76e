/* fork() of the C library gives no pidfd, and without one a child could only be killed by its number, which the confinement lets nobody
 * do. */
#define _GNU_SOURCE
#include "host/copy.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

int copy_make(void)
{
	pid_t parent = getpid();
	int pidfd = -1;
	long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);

	if (pid != 0)
		return pid < 0 ? -1 : pidfd;
	/* The parent may be gone by now, which is no signal any more. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	return 0;
}

static bool reap(int *pidfd, int options, bool *well_out)
{
	siginfo_t info = { .si_pid = 0 };
	int rc;

	while ((rc = waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED | options)) < 0 && errno == EINTR)
		continue;
	if (rc == 0 && info.si_pid == 0)
		return false;
	*well_out = rc == 0 && info.si_code == CLD_EXITED && info.si_status == 0;
	fd_close(pidfd);
	return true;
}

void copy_end(int *pidfd)
{
	bool ignored;

	if (*pidfd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
	(void)reap(pidfd, 0, &ignored);
}

bool copy_has_ended(int *pidfd, bool *well_out)
{
	return *pidfd >= 0 && reap(pidfd, WNOHANG, well_out);
}
