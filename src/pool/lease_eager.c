/* A lease's eager final: what the final would be if the utterance ended where it is. It is asked for in a pause, and
 *
 *   NONE --asked for--> ASKED --the instance tells--> TOLD --it goes on--> NONE
 *   ASKED --it goes on--> CANCELLED --the instance tells, or has stopped--> NONE
 *   ASKED --it has ended: the answer is the final--> NONE
 *
 * An answer says how many samples it is the final of, so that one that crossed with a CANCEL is known. Where the engine decodes whole
 * the slot that it was computed on is given back when the instance has told or stopped. */
#include "base/metric.h"
#include "pool/pool_internal.h"

/* Of one whose instance is still busy with an earlier one, that one's slot is this one's. */
static bool ask(struct lease *l)
{
	if (!lease_needs_slot(l) || l->eager == EAGER_CANCELLED)
		return lease_send_eager_request(l);
	l->eager_sent = false;
	lease_ask_slot(l, SLOT_EAGER);
	return true;
}

bool lease_request_eager(struct lease *l)
{
	const struct pool *p = l->pool;

	if (l->attempt != ATTEMPT_BEGUN || p->traits.eager == IPC_EAGER_NONE ||
	    !p->cfg.early_finals || !ask(l))
		return false;
	l->eager = EAGER_ASKED;
	metric_add(METRIC_eager_finals_total, 1);
	return true;
}

static void note_in_vain(uint32_t cpu_us)
{
	metric_add(METRIC_eager_finals_taken_back_total, 1);
	metric_add(METRIC_eager_cpu_in_vain_seconds_total, cpu_us);
}

/* Without room for the message it comes to its end. */
static void stop(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_CANCEL, .epoch = l->epoch };

	(void)lease_send(l, &m);
	l->eager = EAGER_CANCELLED;
}

void lease_cancel_eager(struct lease *l)
{
	if (l->attempt != ATTEMPT_BEGUN || l->eager == EAGER_NONE || l->eager == EAGER_CANCELLED)
		return;
	lease_tell_no_eager(l);
	note_in_vain(l->eager == EAGER_TOLD ? l->eager_cpu_us : 0);
	if (l->eager == EAGER_ASKED && l->eager_sent) {
		stop(l);
		return;
	}
	if (l->eager == EAGER_ASKED)
		lease_release_slot(l);
	l->eager = EAGER_NONE;
}
