/* filter: a program of seccomp, compiled once in the host and handed to the kernel by each child. */
#ifndef HOST_FILTER_H
#define HOST_FILTER_H

struct sock_filter;

enum { FILTER_INSTRUCTIONS_MAX = 4096 }; /* the kernel's limit */

struct filter {
	struct sock_filter *program; /* owned; NULL: none */
	unsigned short n;
};

/* `ctx`: libseccomp's scmp_filter_ctx with all its rules. 0, or -errno. */
int filter_compile(struct filter *f, void *ctx);
/* Child: there is no way back. Sets no_new_privs first. -1 with errno. */
int filter_enter(const struct filter *f);
void filter_done(struct filter *f);

#endif
