/* How much an instance may say: what it was asked for, and some more. Each of our messages gives it a little credit and each of its own takes
 * some, so one that speaks endlessly is found out however valid all of it is. Time gives credit too, since who computes for long says so. */
#include "base/util.h"
#include "pool/pool_internal.h"

enum {
	CREDIT_MAX =
	    1024, /* half a minute of audio, heard in blocks of which each is told, three times */
	CREDIT_A_MESSAGE = 16, /* half a second of audio has five blocks */
	CREDIT_A_SECOND = 64,  /* a sign of life comes every 100 ms */
	COST_OF_A_TEXT = 8,    /* which is copied, and told */
};

void flood_init(struct pool *p, struct instance *i)
{
	i->credit = CREDIT_MAX;
	i->credit_ns = pool_now_ns(p);
}

void flood_asked(struct instance *i)
{
	i->credit = MIN(i->credit + CREDIT_A_MESSAGE, CREDIT_MAX);
}

static void add_time(struct pool *p, struct instance *i)
{
	uint64_t now_ns = pool_now_ns(p),
		 units = (now_ns - i->credit_ns) / (NS_PER_S / CREDIT_A_SECOND);

	i->credit = (int)MIN((uint64_t)(i->credit + CREDIT_MAX) + units, (uint64_t)CREDIT_MAX * 2) -
	    CREDIT_MAX;
	i->credit_ns += units * (NS_PER_S / CREDIT_A_SECOND);
}

bool flood_takes(struct pool *p, struct instance *i, const struct ipc_message *m)
{
	i->credit -= m->type == IPC_PROGRESS ? 1 : COST_OF_A_TEXT;
	if (i->credit < 0)
		add_time(p, i);
	return i->credit >= 0;
}
