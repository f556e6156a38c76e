/* What all of a session stands on: its state, its memory, and what its client is told. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "session/session_internal.h"

/* What follows each state on each step; SESSION_STATES: that must not happen. */
#define NEVER SESSION_STATES
static const enum session_state next[SESSION_STATES][SESSION_STEPS] = {
	/*                    granted         speech            silence        end               close */
	[SESSION_QUEUED] = { SESSION_READY, NEVER, NEVER, SESSION_QUEUED, SESSION_CLOSED },
	[SESSION_READY] = { NEVER, SESSION_SPEAKING, NEVER, SESSION_DRAINING, SESSION_CLOSED },
	[SESSION_SPEAKING] = { NEVER, NEVER, SESSION_READY, SESSION_DRAINING, SESSION_CLOSED },
	[SESSION_DRAINING] = { NEVER, NEVER, NEVER, SESSION_DRAINING, SESSION_CLOSED },
	[SESSION_CLOSED] = { NEVER, NEVER, NEVER, NEVER, SESSION_CLOSED },
};

static const char *const state_names[SESSION_STATES] = { "queued", "ready", "speaking", "draining",
	"closed" };
static const char *const step_names[SESSION_STEPS] = { "grant", "speech", "silence", "end",
	"close" };

void session_step(struct session *s, enum session_step step)
{
	enum session_state from = s->state, to = next[from][step];

	assert(to != NEVER);
	s->state = to;
	if (from != to)
		log_debug("session %llu: %s -> %s on %s", (unsigned long long)s->id,
		    state_names[from], state_names[to], step_names[step]);
}

const char *session_state_name(enum session_state s)
{
	return state_names[s];
}

void session_enter(struct session *s)
{
	s->depth++;
}

void session_free_memory(struct session *s)
{
	ear_free(&s->hearing.ear);
	buffer_done(&s->hearing.bytes);
	ear_out_done(&s->hearing.out);
	buffer_done(&s->input);
	buffer_done(&s->marks);
	free(s->adaptation);
	free(s);
}

void session_leave(struct session *s)
{
	if (--s->depth == 0 && s->dead && !s->job_running)
		session_free_memory(s);
}

bool session_is_over(const struct session *s)
{
	return s->dead || s->state == SESSION_CLOSED || s->broken.code != ERROR_NONE;
}

void session_break(struct session *s, const struct error *why)
{
	if (s->broken.code == ERROR_NONE)
		s->broken = *why;
}

void session_emit(struct session *s, const struct session_event *e)
{
	if (!s->dead)
		s->events->on_event(s->arg, e);
}

uint64_t session_bound_ns(const struct session *s)
{
	uint64_t per_s = format_bytes_per_s(&s->ear.format);
	uint64_t bound_ns = s->limits->buffer_ms * NS_PER_MS;

	return per_s <= INPUT_BYTES_PER_S_MAX ? bound_ns : bound_ns / per_s * INPUT_BYTES_PER_S_MAX;
}

const struct mark *session_next_mark(const struct session *s)
{
	return s->marks.len == 0 ? NULL : (const void *)buffer_head(&s->marks);
}

uint64_t session_ms(const struct session *s, uint64_t samples)
{
	return samples / SAMPLES_PER_MS + s->offset_ms;
}
