/* host_config: what a host is started with, and whether that has changed since. Server process. */
#ifndef POOL_HOST_CONFIG_H
#define POOL_HOST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct host_config {
	const char *program; /* path of stenopool-host */
	const char *name;    /* the pool's, for the log */
	const char *engine;
	char *const *params;        /* "key=value", ended by NULL */
	unsigned start_timeout_ms;  /* exec to HELLO; a slower host is killed */
	unsigned answer_timeout_ms; /* >= 100: without an answer for so long it is killed */
	unsigned kill_timeout_ms;   /* from there to being gone; then it is waited for no more */
	unsigned backoff_min_ms;    /* pause before the first restart; doubles */
	unsigned backoff_max_ms;
};

/* With texts of its own. */
struct host_config *host_config_copy(const struct host_config *cfg);
void host_config_free(struct host_config **cfg); /* of a copy */
void host_config_copy_times(struct host_config *into, const struct host_config *from);
/* Before a start after so many in a row that failed. */
unsigned host_config_pause_ms(const struct host_config *cfg, unsigned failures);
/* Whether the engine is told the same; times are not looked at. */
bool host_config_is_same(const struct host_config *a, const struct host_config *b);
/* Another number when a file was replaced or written that a parameter names, or one in a directory that a parameter
 * names: made of device, inode, size and time of each. Files that nobody names (an engine's own default model) are not
 * seen. Blocks for a few calls of stat. */
uint64_t host_config_stamp(const struct host_config *cfg);

#endif
