/* pulse: whether a host answers what it is asked, in the order in which it was asked. It is looked at now and then, and time is
 * counted in looks: while the server itself stands still nobody is looked at, so that is never held against a host.
 * Pure. */
#ifndef POOL_PULSE_H
#define POOL_PULSE_H

#include <stdbool.h>

enum { PULSE_LOOKS = 5 }; /* in the time that a host has for an answer */

struct pulse {           /* zeroed: nothing was asked yet */
	unsigned spawns; /* not answered */
	bool pinged;     /* a ping is not answered; what spawns there are were asked after it */
	unsigned looks;  /* since it last answered, or was asked when it owed nothing */
};

enum pulse_verdict { PULSE_PING /* it owes nothing: ask it */, PULSE_WAIT, PULSE_STUCK };

void pulse_asked_spawn(struct pulse *p);
void pulse_asked_ping(struct pulse *p); /* after PULSE_PING */
/* False: nobody had asked, or something else first. */
bool pulse_take_spawn(struct pulse *p);
bool pulse_take_pong(struct pulse *p);
/* To be called PULSE_LOOKS times within that time. PULSE_STUCK comes when it is over, at the latest two looks after. */
enum pulse_verdict pulse_look(struct pulse *p);

#endif
