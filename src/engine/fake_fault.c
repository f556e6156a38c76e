/* What can go wrong, and when: a plan made from parameters, and from markers that are found in the audio. */
#define _GNU_SOURCE
#include "engine/fake_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"

enum { INSTANCE_FD = 3 };

const int16_t fake_marker[FAKE_MARKER_SAMPLES] = { 20000, -21000, 22000, -23000, 24000, -25000 };

static const char *const fault_names[FAKE_FAULTS] = {
	[FAKE_CRASH] = "crash",
	[FAKE_HANG] = "hang",
	[FAKE_GARBAGE] = "garbage",
	[FAKE_LEAK] = "leak",
	[FAKE_EXIT] = "exit",
	[FAKE_FAIL] = "fail",
	[FAKE_OPEN] = "open",
	[FAKE_SOCKET] = "socket",
	[FAKE_EXEC] = "exec",
};

static const char *const where_names[FAKE_WHERES] = {
	[FAKE_AUDIO] = "audio",
	[FAKE_PARTIAL] = "partial",
	[FAKE_END] = "end",
	[FAKE_BEGIN] = "begin",
	[FAKE_DECODE] = "decode",
};

static int parse_number(const char *key, const char *text, unsigned long *out, struct error *err)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *out > 1000000)
		return error_set(
		    err, ERROR_CONFIG, "%s: '%s' is no number from 0 to 1000000", key, text);
	return 0;
}

/* "end" or "end@3" */
static int parse_where(
    struct fake_fault_plan *plan, enum fake_fault fault, const char *value, struct error *err)
{
	size_t n = strcspn(value, "@");

	if (value[n] == '@' &&
	    parse_number(fault_names[fault], value + n + 1, &plan->asked[fault].nth, err) < 0)
		return -1;
	for (unsigned w = 0; w < (plan->decodes ? FAKE_WHERES : FAKE_DECODE); w++) {
		if (strlen(where_names[w]) != n || strncmp(where_names[w], value, n) != 0)
			continue;
		plan->asked[fault].where = (enum fake_where)w;
		plan->asked[fault].armed = true;
		return 0;
	}
	return error_set(err, ERROR_CONFIG, "%s: '%s' is not begin, audio, partial%s",
	    fault_names[fault], value, plan->decodes ? ", end or decode" : " or end");
}

/* Now, because a confined instance can open nothing. */
static int map_once(struct fake_fault_plan *plan, const char *path, struct error *err)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	void *byte = MAP_FAILED;

	fake_fault_done(plan);
	if (fd >= 0 && ftruncate(fd, 1) == 0)
		byte = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (byte == MAP_FAILED)
		(void)error_set_errno(err, ERROR_CONFIG, "once: %s", path);
	else
		plan->once = byte;
	fd_close(&fd);
	return plan->once == NULL ? -1 : 0;
}

int fake_fault_param(
    struct fake_fault_plan *plan, const char *key, const char *value, struct error *err)
{
	if (strcmp(key, "once") == 0)
		return map_once(plan, value, err);
	for (unsigned f = FAKE_NONE + 1; f < FAKE_FAULTS; f++)
		if (strcmp(key, fault_names[f]) == 0)
			return parse_where(plan, (enum fake_fault)f, value, err);
	return 0;
}

void fake_fault_leak(struct fake_fault_plan *plan, unsigned long mb)
{
	plan->asked[FAKE_LEAK].armed = true;
	plan->asked[FAKE_LEAK].where = FAKE_BEGIN;
	plan->leak_mb = mb;
}

void fake_fault_done(struct fake_fault_plan *plan)
{
	if (plan->once != NULL)
		(void)munmap(plan->once, 1);
	plan->once = NULL;
}

static void crash(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
}

/* A process that hangs must not outlive its test. */
static void hang(void)
{
	struct pollfd pfd = { INSTANCE_FD, 0, 0 };

	while (poll(&pfd, 1, -1) <= 0 || (pfd.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0)
		continue;
	_exit(0);
}

static void leak(unsigned long mb)
{
	static void *volatile kept;
	size_t n = mb * 1024 * 1024;

	kept = malloc(n);
	if (kept != NULL)
		memset(kept, 1, n);
}

static int unstopped(const char *what, struct error *err)
{
	(void)fprintf(stderr, "nothing stopped %s\n", what);
	return error_set(err, ERROR_ENGINE, "nothing stopped %s", what);
}

static int open_file(struct error *err)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	fd_close(&fd);
	return unstopped("open(/etc/passwd)", err);
}

static int make_socket(struct error *err)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fd_close(&fd);
	return unstopped("socket(AF_INET)", err);
}

/* A shell, because /bin/true could not say that it runs. */
static int run_program(struct error *err)
{
	char *args[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "echo 'nothing stopped execve(/bin/sh)' >&2", NULL };

	(void)execve("/bin/sh", args, args + 3);
	return unstopped("execve(/bin/sh), but it failed", err);
}

static int happen(enum fake_fault fault, int argument, struct error *err)
{
	switch (fault) {
	case FAKE_CRASH:
		crash();
		break;
	case FAKE_HANG:
		hang();
		break;
	case FAKE_GARBAGE:
		(void)!write(INSTANCE_FD, "this is no message", 18);
		break;
	case FAKE_LEAK:
		leak((unsigned long)argument);
		break;
	case FAKE_EXIT:
		_exit(argument);
	case FAKE_FAIL:
		return error_set(err, ERROR_ENGINE, "failed as it was asked to");
	case FAKE_OPEN:
		return open_file(err);
	case FAKE_SOCKET:
		return make_socket(err);
	case FAKE_EXEC:
		return run_program(err);
	case FAKE_NONE:
	case FAKE_FAULTS:
	default:
		break;
	}
	return 0;
}

/* Whether a fault may happen now: with once=FILE, only for the first. */
static bool take_turn(const struct fake_fault_plan *plan)
{
	return plan->once == NULL || __atomic_exchange_n(plan->once, 1, __ATOMIC_SEQ_CST) == 0;
}

int fake_fault_at(struct fake_fault_plan *plan, enum fake_where where, struct error *err)
{
	enum fake_fault heard = plan->heard;

	for (unsigned f = FAKE_NONE + 1; f < FAKE_FAULTS; f++) {
		int argument = f == FAKE_LEAK ? (int)plan->leak_mb : 1;

		if (!plan->asked[f].armed || plan->asked[f].where != where)
			continue;
		if (plan->asked[f].nth != 0 && plan->asked[f].nth != plan->utterances)
			continue;
		if (take_turn(plan) && happen((enum fake_fault)f, argument, err) < 0)
			return -1;
	}
	if (heard == FAKE_NONE || plan->heard_where != where)
		return 0;
	plan->heard = FAKE_NONE;
	return take_turn(plan) ? happen(heard, plan->heard_argument, err) : 0;
}

int fake_fault_begin(struct fake_fault_plan *plan, struct error *err)
{
	plan->utterances++;
	plan->samples = 0;
	plan->heard = FAKE_NONE;
	memset(plan->recent, 0, sizeof plan->recent);
	return fake_fault_at(plan, FAKE_BEGIN, err);
}

/* The i-th of the last samples, the oldest first, in whole steps. */
static int recent_steps(const struct fake_fault_plan *plan, unsigned i, int step)
{
	int sample = plan->recent[(plan->samples + i) % ARRAY_SIZE(plan->recent)];

	return (sample + (sample < 0 ? -step : step) / 2) / step;
}

/* Of the places that a marker in the audio can name. */
static bool is_to_come(const struct fake_fault_plan *plan, int where)
{
	return (where >= 0 && where <= FAKE_END) || (plan->decodes && where == FAKE_DECODE);
}

static void look_for_marker(struct fake_fault_plan *plan)
{
	int fault, where;

	for (unsigned i = 0; i < FAKE_MARKER_SAMPLES; i++)
		if (recent_steps(plan, i, FAKE_STEP) != fake_marker[i] / FAKE_STEP)
			return;
	fault = recent_steps(plan, FAKE_MARKER_SAMPLES, FAKE_STEP);
	where = recent_steps(plan, FAKE_MARKER_SAMPLES + 1, FAKE_STEP);
	if (fault <= FAKE_NONE || fault >= FAKE_FAULTS || !is_to_come(plan, where))
		return;
	plan->heard = (enum fake_fault)fault;
	plan->heard_where = (enum fake_where)where;
	plan->heard_argument = recent_steps(plan, FAKE_MARKER_SAMPLES + 2, FAKE_ARGUMENT_STEP);
}

int fake_fault_audio(
    struct fake_fault_plan *plan, const int16_t *samples, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		plan->recent[plan->samples++ % ARRAY_SIZE(plan->recent)] = samples[i];
		look_for_marker(plan);
	}
	return fake_fault_at(plan, FAKE_AUDIO, err);
}
