/* trace: of a run, when each measured final was asked for and how long it took, and when a frame was late: for those who
 * want to know what else happened at that moment. Zeroed is empty. */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include <stdint.h>

#include "server/delays.h"

struct trace {
	struct delays due_ns, took_ns; /* of finals, one for one; not sorted */
	struct delays late_at_ns;
};

void trace_final(struct trace *t, uint64_t due_ns, uint64_t took_ns);
void trace_late(struct trace *t, uint64_t at_ns);
/* Prints "finals":[[due ms, took ms],...],"late_at_ms":[...]; the times are CLOCK_MONOTONIC. */
void trace_print(const struct trace *t);
void trace_done(struct trace *t);

#endif
