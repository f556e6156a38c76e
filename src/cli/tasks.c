#define _GNU_SOURCE
#include "cli/tasks.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/config.h"

enum {
	LOOKUP_THREADS = 2, /* of the work pool, for names */
	HOSTS_OF_POOL = 2,  /* the second one while a model is loaded anew */
	PATH_CAP = 4096,
};

#define REMEDY "raise it (ulimit -u, TasksMax, docker --pids-limit)"

/* ---- how much room there is ---- */

static void narrow(struct tasks_room *room, uint64_t limit, uint64_t used, const char *by)
{
	uint64_t left = limit > used ? limit - used : 0;

	if (left >= room->left)
		return;
	room->left = left;
	room->limit = limit;
	(void)snprintf(room->by, sizeof room->by, "%s", by);
}

/* Threads of a process of ours by its /proc/PID/status; 0: it is somebody else's, or gone. */
static unsigned count_threads(const char *pid)
{
	char path[64], line[256];
	unsigned uid = 0, threads = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%.20s/status", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "Uid: %u", &uid) == 0)
			(void)sscanf(line, "Threads: %u", &threads);
	(void)fclose(f);
	return uid == getuid() ? threads : 0;
}

static uint64_t count_ours(void)
{
	DIR *all = opendir("/proc");
	struct dirent *e;
	uint64_t n = 0;

	while (all != NULL && (e = readdir(all)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			n += count_threads(e->d_name);
	if (all != NULL)
		(void)closedir(all);
	return n;
}

/* root is not bound by it. */
static void look_at_user(struct tasks_room *room)
{
	struct rlimit limit;

	if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NPROC, &limit);
	if (limit.rlim_max != RLIM_INFINITY)
		narrow(room, limit.rlim_max, count_ours(), "RLIMIT_NPROC of this user");
}

/* false: the file is not there, or says "max". */
static bool read_number(const char *directory, const char *name, uint64_t *out)
{
	char path[PATH_CAP + 32];
	FILE *f;
	bool got;

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	got = fscanf(f, "%" SCNu64, out) == 1;
	(void)fclose(f);
	return got;
}

/* A group and all above it, each of which may be the one that is full. */
static void look_at_groups(struct tasks_room *room, const char *mount, char *group)
{
	char directory[PATH_CAP], by[160];
	uint64_t limit, used;

	for (;;) {
		char *slash = strrchr(group, '/');

		(void)snprintf(directory, sizeof directory, "%s%s", mount, group);
		(void)snprintf(by, sizeof by, "pids.max of the control group %.100s",
		    *group != '\0' ? group : "/");
		if (read_number(directory, "pids.max", &limit) &&
		    read_number(directory, "pids.current", &used))
			narrow(room, limit, used, by);
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

/* "0::/GROUP" with one hierarchy for all; "N:pids:/GROUP" with one for each controller. */
static void look_at_control_groups(struct tasks_room *room)
{
	char line[PATH_CAP];
	FILE *f = fopen("/proc/self/cgroup", "re");

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *group = strchr(line, ':'),
		     *path = group == NULL ? NULL : strchr(group + 1, ':');

		line[strcspn(line, "\n")] = '\0';
		if (path == NULL)
			continue;
		if (strncmp(group, "::", 2) == 0)
			look_at_groups(room, "/sys/fs/cgroup", path + 1);
		else if (strncmp(group, ":pids:", 6) == 0)
			look_at_groups(room, "/sys/fs/cgroup/pids", path + 1);
	}
	if (f != NULL)
		(void)fclose(f);
}

void tasks_find_room(struct tasks_room *out)
{
	*out = (struct tasks_room){ .left = TASKS_UNLIMITED, .limit = TASKS_UNLIMITED };
	look_at_user(out);
	look_at_control_groups(out);
}

/* ---- what to do with it ---- */

static uint64_t processes_of_all(const struct config *c)
{
	uint64_t n = c->decoder.max;

	for (unsigned i = 0; i < c->pools_n; i++)
		n += HOSTS_OF_POOL + (uint64_t)c->pools[i].pool.max + c->pools[i].pool.spare;
	return n;
}

int tasks_plan(const struct config *c, const struct tasks_room *room, struct tasks_plan *out,
    struct error *err)
{
	uint64_t processes = processes_of_all(c), for_threads;

	out->least =
	    2 + 2 * (uint64_t)c->pools_n; /* an ear, a look-up; a host and an instance each */
	out->all = processes + c->ear_threads + LOOKUP_THREADS;
	out->ear_threads = c->ear_threads;
	out->work_threads = c->ear_threads + LOOKUP_THREADS;
	if (room->left >= out->all)
		return 0;
	if (room->left < out->least)
		return error_set(err, ERROR_SYSTEM,
		    "%" PRIu64 " more processes and threads may be started here, and %" PRIu64
		    " are the least for %u pools: %s is %" PRIu64 "; " REMEDY,
		    room->left, out->least, c->pools_n, room->by, room->limit);
	for_threads = room->left > processes + LOOKUP_THREADS
	    ? room->left - processes - LOOKUP_THREADS
	    : 1 + (room->left - out->least) / 4;
	out->ear_threads = (unsigned)MIN(c->ear_threads, for_threads);
	out->work_threads = out->ear_threads + 1;
	return 0;
}

int tasks_settle(const struct config *c, struct tasks_plan *out, struct error *err)
{
	struct tasks_room room;

	tasks_find_room(&room);
	if (tasks_plan(c, &room, out, err) < 0)
		return -1;
	if (room.left < out->all)
		log_warn("server: %" PRIu64
			 " more processes and threads may be started here (%s is %" PRIu64
			 "), and ear_threads %u with all instances and decoders (max, spare, "
			 "decoder_max) needs %" PRIu64
			 ": going on with %u ear threads, and clients beyond what fits will wait "
			 "or be refused; " REMEDY,
		    room.left, room.by, room.limit, c->ear_threads, out->all, out->ear_threads);
	return 0;
}
