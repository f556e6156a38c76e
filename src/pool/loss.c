#include "pool/loss.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "base/util.h"

/* What the kernel sends to a process for what it did itself. Others may send these too, but nobody does. */
static const int own_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS,
	SIGXCPU, SIGXFSZ };

static bool is_own(int signal)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_signals); i++)
		if (own_signals[i] == signal)
			return true;
	return false;
}

struct loss_cause loss_of_exit(int wait_status)
{
	int signal;

	if (wait_status == -1)
		return (struct loss_cause){ LOSS_UNKNOWN, 0 };
	if (!WIFSIGNALED(wait_status))
		return (struct loss_cause){ LOSS_EXITED, WEXITSTATUS(wait_status) };
	signal = WTERMSIG(wait_status);
	return (struct loss_cause){ is_own(signal) ? LOSS_CRASHED : LOSS_KILLED, signal };
}
