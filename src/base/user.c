#define _GNU_SOURCE
#include "base/user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"

static const struct passwd *find_default(void)
{
	const struct passwd *found = getpwnam("stenopool");

	return found != NULL ? found : getpwnam("nobody");
}

static const struct passwd *find(const char *name, struct error *err)
{
	const struct passwd *found = name[0] == '\0' ? find_default() : getpwnam(name);

	if (found == NULL && name[0] == '\0')
		(void)error_set(err, ERROR_CONFIG,
		    "there is neither an account stenopool nor one nobody to run as; name one with "
		    "the "
		    "setting user");
	else if (found == NULL)
		(void)error_set(err, ERROR_CONFIG, "user = %s, but there is no such account", name);
	return found;
}

static int become(const struct passwd *p, struct error *err)
{
	if (initgroups(p->pw_name, p->pw_gid) < 0)
		return error_set_errno(
		    err, ERROR_SYSTEM, "cannot take the groups of user %s", p->pw_name);
	if (setresgid(p->pw_gid, p->pw_gid, p->pw_gid) < 0 ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot become user %s", p->pw_name);
	return 0;
}

int user_become(const char *name, struct error *err)
{
	const struct passwd *p;

	if (geteuid() != 0)
		return 0;
	p = find(name, err);
	if (p == NULL)
		return -1;
	if (p->pw_uid == 0)
		return 0;
	if (become(p, err) < 0)
		return -1;
	/* The change of user took /proc/self away from us, where a host looks for its memory. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return 0;
}
