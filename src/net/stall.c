#include "net/stall.h"

#include "base/util.h"

enum { LOOKS = 4 /* in limit_ms */ };

static void look_later(struct stall *s, uint64_t now_ms)
{
	s->look_at_ms = now_ms + MAX(s->limit_ms / LOOKS, 1u);
}

bool stall_begin(struct stall *s, uint64_t taken, uint64_t now_ms)
{
	if (s->limit_ms == 0 || s->look_at_ms != 0)
		return false;
	s->taken = taken;
	s->since_ms = now_ms;
	look_later(s, now_ms);
	return true;
}

bool stall_look(struct stall *s, uint64_t taken, uint64_t left, uint64_t now_ms)
{
	s->look_at_ms = 0;
	if (left == 0)
		return false;
	if (taken != s->taken) {
		s->taken = taken;
		s->since_ms = now_ms;
	}
	if (now_ms - s->since_ms >= s->limit_ms)
		return true;
	look_later(s, now_ms);
	return false;
}
