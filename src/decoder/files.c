/* Without this a decoder that was taken over could hand out, as if it were audio, every file that its user may read, and
 * what /proc tells of that user's processes: where the server is not root's that is the server, with its keys. */
#define _GNU_SOURCE
#include "decoder/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"

enum { PATH_CAP = 4096 };

static const uint64_t of_file = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
static const uint64_t of_tree =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
/* All that its first version knows: these are the lowest 13 bits. */
static const uint64_t known = (1u << 13) - 1;

static const char *const trees[] = { "/usr", "/lib", "/lib64", "/bin", "/nix/store", "/gnu/store" };
static const char *const files[] = { "/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/null",
	"/dev/zero", "/dev/urandom" };

static int allow_fd(int rules, int fd, uint64_t what)
{
	const struct landlock_path_beneath_attr a = { .allowed_access = what, .parent_fd = fd };
	long rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0);

	return rc < 0 ? -1 : 0;
}

/* What is not there, or out of this user's reach, needs no rule. */
static int allow(int rules, const char *path, uint64_t what)
{
	int fd = open(path, O_PATH | O_CLOEXEC), rc;

	if (fd < 0)
		return 0;
	rc = allow_fd(rules, fd, what);
	(void)close(fd);
	return rc;
}

static int allow_beside(int rules, const char *program)
{
	const char *slash = strrchr(program, '/');
	char path[PATH_CAP];

	if (slash == NULL)
		return 0;
	(void)snprintf(path, sizeof path, "%.*s/../lib", (int)(slash - program), program);
	return allow(rules, path, of_tree);
}

static int allow_all(int rules, int fd, const char *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		if (allow(rules, trees[i], of_tree) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (allow(rules, files[i], of_file) < 0)
			return -1;
	return allow_fd(rules, fd, of_file) < 0 ? -1 : allow_beside(rules, program);
}

int files_restrict(int fd, const char *program, struct error *err)
{
	const struct landlock_ruleset_attr a = { .handled_access_fs = known };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0), rc;

	if (rules < 0)
		return 0; /* an older kernel, or one where it is switched off */
	rc = allow_all(rules, fd, program);
	if (rc == 0)
		rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, rules, 0);
	if (rc < 0)
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot restrict a decoder's files");
	fd_close(&rules);
	return rc < 0 ? -1 : 0;
}
