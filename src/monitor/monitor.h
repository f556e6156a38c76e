/* monitor: what an operator's tools read: the metrics page (Prometheus text), the status page (JSON), and whether the
 * server is ready. It only reads. Server process, loop thread only. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/pool.h"

struct compute;
struct crew;
struct memory;
struct roster;

struct monitor_client {
	const char *key; /* its name; NULL: none. Lent for the call */
	enum priority priority;
};
/* Fills *out; false: it is not known whose session this is. */
typedef bool monitor_client_f(void *arg, uint64_t session, struct monitor_client *out);

struct monitor {
	struct crew *const *crews; /* borrowed */
	unsigned crews_n;
	const struct roster *roster;   /* borrowed */
	const struct compute *compute; /* borrowed; NULL: nothing decodes whole */
	uint64_t started_ns;
	const char *vad;             /* borrowed; what looks for speech; NULL: not said */
	monitor_client_f *client_of; /* NULL: of no session */
	void *client_arg;
	const char *
	    leaving; /* borrowed: what it does instead of serving, such as "draining"; NULL: it serves */
};

/* Texts to be freed by the caller; NULL when memory is out. */
char *monitor_metrics(const struct monitor *m);
char *monitor_status(const struct monitor *m, const struct memory *memory);
/* {"ready":...,"pools":{name:state}}; *ready_out: whether some pool can give out places and has shown
 * lately that it decodes, and the server serves. */
char *monitor_ready(const struct monitor *m, bool *ready_out);

#endif
