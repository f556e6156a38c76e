/* What is known of lost instances says whose fault it was: what they did themselves, where they stood still, and where others killed them. */
#include "session/verdict.h"

#include "ipc/message.h"

static bool is_own(const struct lost_attempt *a)
{
	enum loss_kind k = a->cause.kind;

	return k == LOSS_CRASHED || k == LOSS_EXITED || k == LOSS_FAILED || k == LOSS_GARBAGE ||
	    k == LOSS_MEMORY;
}

static bool is_outside(const struct lost_attempt *a)
{
	return a->cause.kind == LOSS_KILLED || a->cause.kind == LOSS_UNKNOWN;
}

static unsigned same_doing(const struct lost_attempt *a, size_t n)
{
	const struct loss_cause *last = &a[n - 1].cause;
	unsigned same = 0;

	for (size_t i = 0; i < n; i++)
		same += a[i].cause.kind == last->kind && a[i].cause.number == last->number;
	return same;
}

/* Instances tell of every block that they have decoded, so what each was doing is known to a block. Before the first one a
 * newborn makes its memory its own, and behind the last one is a long time without places in it: there, having been killed
 * from outside says nothing. */
static bool has_place(const struct lost_attempt *a)
{
	return is_outside(a) ? a->decoding : a->busy;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static bool is_same_place(const struct lost_attempt *a, const struct lost_attempt *b)
{
	return has_place(a) && has_place(b) && is_outside(a) == is_outside(b) &&
	    is_own(a) == is_own(b) && distance(a->at, b->at) <= IPC_BLOCK_SAMPLES;
}

/* How many of the last ones, in a row. */
static unsigned at_one_place(const struct lost_attempt *a, size_t n)
{
	unsigned same = 1;

	while (same < n && is_same_place(&a[n - 1 - same], &a[n - 1]))
		same++;
	return same;
}

static bool began_apart(const struct lost_attempt *a, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (a[i].from != a[0].from)
			return true;
	return false;
}

static bool is_poison(const struct lost_attempt *a, size_t n)
{
	unsigned same = at_one_place(a, n);

	if (is_own(&a[n - 1])) /* which may be now this signal and now that, of one mistake */
		return same > 1 || same_doing(a, n) >= VERDICT_SAME_OWN;
	if (is_outside(&a[n - 1]))
		return same >= VERDICT_SAME_OUTSIDE && began_apart(a + n - same, same);
	return same >= VERDICT_SAME_STUCK;
}

enum verdict verdict_of(const struct lost_attempt *a, size_t n, size_t vain, unsigned losses_max)
{
	if (is_poison(a, n))
		return VERDICT_POISON;
	return vain >= losses_max ? VERDICT_GIVE_UP : VERDICT_GO_ON;
}
