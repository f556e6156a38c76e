#include "session/roster.h"

#include <assert.h>
#include <stdlib.h>

#include "base/util.h"
#include "session/session_internal.h"

struct roster {
	struct session *first;
	struct session *looking; /* the next one in a walk that may remove sessions; NULL: none */
	unsigned count, max;
};

struct roster *roster_new(unsigned max_sessions)
{
	struct roster *r = xcalloc(1, sizeof *r);

	r->max = max_sessions;
	return r;
}

void roster_free(struct roster **r)
{
	if (*r == NULL)
		return;
	assert((*r)->count == 0);
	free(*r);
	*r = NULL;
}

int roster_has_room(const struct roster *r, struct error *err)
{
	if (r->count < r->max)
		return 0;
	return error_set(err, ERROR_BUSY,
	    "%u sessions are open and no more are allowed (max_sessions %u)", r->count, r->max);
}

void roster_add(struct roster *r, struct session *s)
{
	s->prev = NULL;
	s->next = r->first;
	if (s->next != NULL)
		s->next->prev = s;
	r->first = s;
	r->count++;
}

void roster_remove(struct roster *r, struct session *s)
{
	if (r->looking == s)
		r->looking = s->next;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		r->first = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	r->count--;
}

void roster_set_max(struct roster *r, unsigned max_sessions)
{
	r->max = max_sessions;
}

unsigned roster_count(const struct roster *r)
{
	return r->count;
}

/* The session taken may be removed by what is done with it; the walk goes on behind it all the same. */
static struct session *take_next(struct roster *r)
{
	struct session *s = r->looking;

	if (s != NULL)
		r->looking = s->next;
	return s;
}

void roster_look(struct roster *r, uint64_t now_ns)
{
	struct session *s;

	r->looking = r->first;
	while ((s = take_next(r)) != NULL) {
		if (!session_is_idle(s, now_ns))
			continue;
		if (session_is_speaking(s)) {
			session_cut_idle(s); /* what was said is told before */
			continue;
		}
		session_end_idle(s);
	}
}

void roster_leave_all(struct roster *r, unsigned retry_after_ms)
{
	struct session *s;

	r->looking = r->first;
	while ((s = take_next(r)) != NULL)
		session_leave_soon(s, retry_after_ms);
}

void roster_commit_all(struct roster *r)
{
	struct session *s;

	r->looking = r->first;
	while ((s = take_next(r)) != NULL)
		session_commit_unasked(s);
}

void roster_abort_all(struct roster *r, const struct error *why)
{
	struct session *s;

	r->looking = r->first;
	while ((s = take_next(r)) != NULL)
		session_abort(s, why);
}

void roster_each(const struct roster *r, roster_each_f *f, void *arg)
{
	for (const struct session *s = r->first; s != NULL; s = s->next)
		f(arg, s);
}
