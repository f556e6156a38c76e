#include "server/trace.h"

#include <stdio.h>

#include "base/clock.h"

static double ms_of(uint64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

void trace_final(struct trace *t, uint64_t due_ns, uint64_t took_ns)
{
	delays_add(&t->due_ns, due_ns);
	delays_add(&t->took_ns, took_ns);
}

void trace_late(struct trace *t, uint64_t at_ns)
{
	delays_add(&t->late_at_ns, at_ns);
}

void trace_print(const struct trace *t)
{
	(void)printf("\"finals\":[");
	for (size_t i = 0; i < t->due_ns.n; i++)
		(void)printf("%s[%.3f,%.3f]", i == 0 ? "" : ",", ms_of(t->due_ns.ns[i]),
		    ms_of(t->took_ns.ns[i]));
	(void)printf("],\"late_at_ms\":[");
	for (size_t i = 0; i < t->late_at_ns.n; i++)
		(void)printf("%s%.3f", i == 0 ? "" : ",", ms_of(t->late_at_ns.ns[i]));
	(void)putchar(']');
}

void trace_done(struct trace *t)
{
	delays_done(&t->due_ns);
	delays_done(&t->took_ns);
	delays_done(&t->late_at_ns);
}
