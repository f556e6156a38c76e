/* How far all that the client sent has been dealt with: SESSION_EVENT_HEARD, for clients that wait for it. What holds it
 * back is only ever something that is bound to come: the final or error of an utterance that ended, or a partial that an
 * instance was asked for and that is given up with that instance. */
#include "session/session_internal.h"

/* Utterances end in order, so the first one's end is the earliest; where the first one is open there is no other. */
static struct place dealt_with(const struct session *s)
{
	const struct utterance *u = s->first;

	if (u == NULL || !utterance_is_heard(u))
		return s->taken;
	if (u->state == UTTERANCE_ENDED)
		return u->before_end;
	return u->passes[0].now.partial_pending ? s->told : s->taken;
}

void heard_tell(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_HEARD };
	struct place to;

	if (!s->cfg.wants_heard || session_is_over(s))
		return;
	to = dealt_with(s);
	if (to.bytes <= s->told.bytes)
		return;
	s->told = to;
	e.heard.bytes = to.bytes;
	e.heard.at_ms = to.samples / SAMPLES_PER_MS + s->cfg.offset_ms;
	session_emit(s, &e);
}
