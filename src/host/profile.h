/* profile: what a program that is an engine may not do. It needs files, threads and children of its own, so it cannot be held as
 * strictly as an instance that was forked (host/confine.h): what is refused fails with EPERM, and all else goes on.
 *   PROFILE_OFFLINE   no socket but those of AF_UNIX; no look into, hold of or power over another process, the kernel or the
 *                     system; no namespaces; no way around the filter (io_uring, userfaultfd)
 *   PROFILE_NONE      it gets no rights by starting another program (no_new_privs), nothing else */
#ifndef HOST_PROFILE_H
#define HOST_PROFILE_H

#include <stdbool.h>

#include "host/filter.h"

struct error;

enum profile_kind { PROFILE_OFFLINE, PROFILE_NONE, PROFILES };

struct profile {
	enum profile_kind kind;
	bool core_dumps;
	struct filter filter; /* owned */
};

/* -1: ERROR_CONFIG with the names there are. */
int profile_find(enum profile_kind *out, const char *name, struct error *err);
/* Host: compiles what is needed. */
int profile_init(struct profile *p, enum profile_kind kind, bool core_dumps, struct error *err);
/* Child, before it becomes the program. -1 with errno. */
int profile_enter(const struct profile *p);
void profile_done(struct profile *p);

#endif
