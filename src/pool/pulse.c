#include "pool/pulse.h"

#include <assert.h>

static bool owes(const struct pulse *p)
{
	return p->pinged || p->spawns > 0;
}

void pulse_asked_spawn(struct pulse *p)
{
	if (!owes(p))
		p->looks = 0;
	p->spawns++;
}

void pulse_asked_ping(struct pulse *p)
{
	assert(!owes(p));
	p->pinged = true;
	p->looks = 0;
}

bool pulse_take_spawn(struct pulse *p)
{
	if (p->spawns == 0 || p->pinged)
		return false;
	p->spawns--;
	p->looks = 0;
	return true;
}

bool pulse_take_pong(struct pulse *p)
{
	if (!p->pinged)
		return false;
	p->pinged = false;
	p->looks = 0;
	return true;
}

enum pulse_verdict pulse_look(struct pulse *p)
{
	if (!owes(p))
		return PULSE_PING;
	return p->looks++ < PULSE_LOOKS ? PULSE_WAIT : PULSE_STUCK;
}
