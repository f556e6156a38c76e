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

bool session_is_over(const struct session *s)
{
	return s->state == SESSION_CLOSED || s->broken.code != ERROR_NONE;
}

void session_break(struct session *s, const struct error *why)
{
	if (s->broken.code == ERROR_NONE)
		s->broken = *why;
}

void session_break_for_memory(struct session *s, const char *what)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "out of memory%s", what);
	session_break(s, &err);
}

void session_emit(struct session *s, const struct session_event *e)
{
	struct told *t = told_new(e);

	if (t == NULL) {
		session_break_for_memory(s, " for what was heard");
		return;
	}
	if (t->e.instance == 0)
		t->e.instance = session_instance(s);
	told_push(s, t);
}

uint64_t session_instance(const struct session *s)
{
	const struct seat *seat = &s->seats[0];

	return seat->lease == NULL ? seat->instance : lease_instance(seat->lease);
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
	return samples / SAMPLES_PER_MS + s->cfg.offset_ms;
}

void session_copy_language(char *to, const struct ipc_text *language)
{
	assert(language->length <= IPC_LANGUAGE_MAX);
	for (uint32_t i = 0; i < language->length; i++)
		to[i] = language->bytes[i];
	to[language->length] = '\0';
}

size_t utterance_samples(const struct utterance *u)
{
	return u->audio.len / sizeof(int16_t);
}

size_t utterance_to_hear(const struct utterance *u)
{
	return u->pause > 0 ? u->pause : utterance_samples(u);
}

bool utterance_is_open(const struct utterance *u)
{
	return u->state == UTTERANCE_OPEN || u->state == UTTERANCE_STUMP;
}

bool utterance_is_heard(const struct utterance *u)
{
	return u->state == UTTERANCE_OPEN || u->state == UTTERANCE_ENDED;
}

bool utterance_has_stable_text(const struct utterance *u)
{
	size_t n;

	(void)text_stable(&u->text, &n);
	return n > 0;
}

struct seat *session_final_seat(struct session *s)
{
	return &s->seats[s->seats_n > 1];
}

bool session_is_speaking(const struct session *s)
{
	return s->last != NULL && utterance_is_open(s->last);
}
