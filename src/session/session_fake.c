/* A client whose log of events is compared as text, and whose every event is checked against what may come then. */
#include "session/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Jobs. */

static void submit(struct work *base, struct work_item *item)
{
	struct work_fake *w = (struct work_fake *)base;

	for (const struct work_item *i = w->first; i != NULL; i = i->next)
		assert_ptr_not_equal(i, item);
	item->next = NULL;
	if (w->first == NULL)
		w->first = item;
	else
		w->last->next = item;
	w->last = item;
	w->submitted++;
}

void work_fake_init(struct work_fake *w)
{
	*w = (struct work_fake){ .base = { .submit = submit } };
}

bool work_fake_run_one(struct work_fake *w)
{
	struct work_item *i = w->first;
	void (*between)(void *arg) = w->between;

	if (i == NULL)
		return false;
	w->first = i->next;
	i->run(i->arg);
	w->between = NULL;
	if (between != NULL)
		between(w->between_arg);
	i->done(i->arg);
	if (w->turn != NULL)
		turn_run(w->turn);
	return true;
}

void work_fake_run(struct work_fake *w)
{
	while (work_fake_run_one(w))
		continue;
}

/* What the client is told. */

static void say(struct session_fake *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct session_fake *f, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(f->log + f->log_n, sizeof f->log - f->log_n, fmt, ap);
	va_end(ap);
	assert_in_range(n, 0, (int)(sizeof f->log - f->log_n) - 1);
	f->log_n += (size_t)n;
}

static char *open_of(struct session_fake *f, uint64_t utterance)
{
	assert_in_range(utterance, 1, SESSION_FAKE_UTTERANCES - 1);
	return &f->open[utterance];
}

static void on_start(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(e->utterance, f->utterances + 1);
	f->utterances = e->utterance;
	*open_of(f, e->utterance) = 's';
	say(f, "start %" PRIu64 " at %" PRIu64 "\n", e->utterance, e->at_ms);
}

static void on_end(struct session_fake *f, const struct session_event *e)
{
	char *open = open_of(f, e->utterance);

	assert_true(*open == 's' || *open == 'f');
	*open = *open == 's' ? 'e' : 'd';
	say(f, "end %" PRIu64 " at %" PRIu64 "\n", e->utterance, e->at_ms);
}

static void end_line(struct session_fake *f, const char *language, bool by_partials)
{
	say(f, "%s%s%s\n", language[0] == '\0' ? "" : " in ", language,
	    by_partials ? " by partials" : "");
}

/* What was told as stable stays. */
static void check_stable(struct session_fake *f, const struct session_event *e)
{
	size_t n = e->partial.stable_bytes;

	assert_true(n <= e->partial.text_bytes && n < sizeof f->stable);
	if (e->utterance != f->stable_of)
		f->stable_n = 0;
	f->stable_of = e->utterance;
	assert_true(n >= f->stable_n);
	assert_memory_equal(e->partial.text, f->stable, f->stable_n);
	assert_true(n == 0 || n == e->partial.text_bytes || e->partial.text[n] == ' ');
	f->stable_n = n;
	memcpy(f->stable, e->partial.text, n);
}

static void on_partial(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(*open_of(f, e->utterance), 's');
	check_stable(f, e);
	say(f, "partial %" PRIu64 " '%.*s|%.*s'", e->utterance, (int)e->partial.stable_bytes,
	    e->partial.text, (int)(e->partial.text_bytes - e->partial.stable_bytes),
	    e->partial.text + e->partial.stable_bytes);
	end_line(f, e->partial.language, false);
}

static const char *cause_name(enum ear_cause c)
{
	static const char *const names[] = { "none", "silence", "max_length", "commit", "stop" };

	return names[c];
}

/* Never empty, and another one only after the last was taken back. */
static void on_eager(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(*open_of(f, e->utterance), 's');
	assert_int_equal(e->utterance, f->utterances);
	assert_string_equal(f->eager, "");
	assert_in_range(e->final.text_bytes, 1, sizeof f->eager - 1);
	(void)snprintf(f->eager, sizeof f->eager, "%.*s", (int)e->final.text_bytes, e->final.text);
	f->eager_of = e->utterance;
	f->eagers++;
	say(f, "eager %" PRIu64 " '%s'\n", e->utterance, f->eager);
}

static void on_resumed(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(e->utterance, f->utterances);
	assert_string_not_equal(f->eager, "");
	f->eager[0] = '\0';
	f->resumes++;
	say(f, "resumed %" PRIu64 "\n", e->utterance);
}

/* What was told so is the final now. */
static void check_eager(struct session_fake *f, const struct session_event *e)
{
	if (f->eager[0] == '\0' || e->utterance != f->eager_of)
		return;
	if (e->final.incomplete == NULL) {
		assert_int_equal(e->final.text_bytes, strlen(f->eager));
		assert_memory_equal(e->final.text, f->eager, e->final.text_bytes);
	}
	f->eager[0] = '\0';
}

/* The rest of what was stable is told where the utterance cannot be heard to its end; and whose texts only grow has a final that begins
 * with it. */
static void check_final(const struct session_fake *f, const struct session_event *e)
{
	if (e->utterance != f->stable_of)
		return;
	if (e->final.incomplete == NULL && !f->growing)
		return;
	assert_true(e->final.text_bytes >= f->stable_n);
	assert_memory_equal(e->final.text, f->stable, f->stable_n);
}

static void on_final(struct session_fake *f, const struct session_event *e)
{
	check_final(f, e);
	assert_int_equal(*open_of(f, e->utterance), 'e');
	assert_true(e->utterance > f->finals);
	f->finals = e->utterance;
	check_eager(f, e);
	*open_of(f, e->utterance) = 'd';
	f->adaptation_bytes = e->final.adaptation_bytes;
	if (f->adaptation_bytes > 0)
		memcpy(f->adaptation, e->final.adaptation,
		    MIN(f->adaptation_bytes, sizeof f->adaptation));
	say(f, "final %" PRIu64 " '%.*s' %" PRIu64 "-%" PRIu64 " %s %.2f", e->utterance,
	    (int)e->final.text_bytes, e->final.text, e->final.start_ms, e->final.end_ms,
	    cause_name(e->final.cause), (double)e->final.confidence);
	end_line(f, e->final.language, e->final.by_partials);
	if (e->final.incomplete != NULL)
		say(f, "  %s %s: %s\n", e->final.cut_off ? "cut off" : "incomplete",
		    error_code_name(e->final.incomplete->code), e->final.incomplete->text);
	for (size_t i = 0; i < e->final.words_n; i++)
		say(f, "  word '%.*s' %" PRIu64 "-%" PRIu64 " %.2f\n",
		    (int)e->final.words[i].text_bytes, e->final.words[i].text,
		    e->final.words[i].start_ms, e->final.words[i].end_ms,
		    (double)e->final.words[i].confidence);
}

static void on_error(struct session_fake *f, const struct session_event *e)
{
	f->why = *e->error.why;
	f->over = e->error.fatal;
	if (e->utterance == 0) {
		assert_true(e->error.fatal);
	} else {
		char *open = open_of(f, e->utterance);

		assert_true(*open == 's' || *open == 'e');
		*open = *open == 's' ? 'f' : 'd';
	}
	say(f, "error %" PRIu64 " %s%s: %s\n", e->utterance, e->error.fatal ? "fatal " : "",
	    error_code_name(e->error.why->code), e->error.why->text);
}

static void on_heard(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(e->utterance, 0);
	assert_true(e->heard.bytes > f->heard_bytes);
	f->heard_bytes = e->heard.bytes;
	say(f, "heard %" PRIu64 " at %" PRIu64 "\n", e->heard.bytes, e->heard.at_ms);
}

static void on_committed(struct session_fake *f, const struct session_event *e)
{
	f->committed++;
	assert_int_equal(e->committed.empty, e->utterance == 0);
	if (e->utterance == 0) {
		say(f, "committed nothing\n");
		return;
	}
	assert_true(*open_of(f, e->utterance) == 'e' || *open_of(f, e->utterance) == 'd');
	say(f, "committed %" PRIu64 "\n", e->utterance);
}

static void on_cleared(struct session_fake *f, const struct session_event *e)
{
	f->cleared++;
	if (e->utterance > 0) {
		assert_true(*open_of(f, e->utterance) == 's' || *open_of(f, e->utterance) == 'f');
		*open_of(f, e->utterance) = 'd';
	}
	say(f, "cleared %" PRIu64 "\n", e->utterance);
}

static void on_ended(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(e->ended.utterances, f->utterances);
	for (uint64_t u = 1; u <= f->utterances; u++)
		assert_int_equal(*open_of(f, u), 'd');
	f->over = true;
	say(f, "ended %" PRIu64 " ms %" PRIu64 "\n", e->ended.audio_ms, e->ended.utterances);
}

static void on_queued(struct session_fake *f, const struct session_event *e)
{
	say(f, "queued %u\n", e->queued.position);
}

static void on_ready(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(e->utterance, 0);
	say(f, "ready\n");
}

static void on_recovered(struct session_fake *f, const struct session_event *e)
{
	assert_true(*open_of(f, e->utterance) == 's' || *open_of(f, e->utterance) == 'e');
	say(f, "recovered %" PRIu64 "\n", e->utterance);
}

static void on_idle(struct session_fake *f, const struct session_event *e)
{
	assert_int_equal(e->utterance, 0);
	say(f, "idle\n");
}

static void (*const handlers[])(struct session_fake *f, const struct session_event *e) = {
	[SESSION_EVENT_QUEUED] = on_queued,
	[SESSION_EVENT_READY] = on_ready,
	[SESSION_EVENT_SPEECH_START] = on_start,
	[SESSION_EVENT_SPEECH_END] = on_end,
	[SESSION_EVENT_PARTIAL] = on_partial,
	[SESSION_EVENT_EAGER_FINAL] = on_eager,
	[SESSION_EVENT_RESUMED] = on_resumed,
	[SESSION_EVENT_FINAL] = on_final,
	[SESSION_EVENT_RECOVERED] = on_recovered,
	[SESSION_EVENT_ERROR] = on_error,
	[SESSION_EVENT_ENDED] = on_ended,
	[SESSION_EVENT_HEARD] = on_heard,
	[SESSION_EVENT_COMMITTED] = on_committed,
	[SESSION_EVENT_CLEARED] = on_cleared,
	[SESSION_EVENT_IDLE] = on_idle,
};

static void on_event(void *arg, const struct session_event *e)
{
	struct session_fake *f = arg;

	assert_non_null(f->session);
	assert_false(f->over);
	assert_in_range(e->kind, 0, ARRAY_SIZE(handlers) - 1);
	handlers[e->kind](f, e);
	if (f->then != NULL && (f->then_on < 0 || f->then_on == (int)e->kind))
		f->then(f, e->kind);
}

static void on_drain(void *arg)
{
	struct session_fake *f = arg;

	assert_non_null(f->session);
	assert_false(f->over);
	f->drains++;
}

static const struct session_events events = { .on_event = on_event, .on_drain = on_drain };

struct session_config session_fake_config(void)
{
	struct session_config cfg = { .ear = { .format = { ENCODING_S16LE, EAR_RATE_HZ, 1 },
					  .endpoint = ENDPOINT_CONFIG_DEFAULT },
		.priority = PRIORITY_NORMAL,
		.partials = true };

	cfg.ear.endpoint.endpointing = ENDPOINTING_MANUAL;
	return cfg;
}

bool session_fake_open(struct session_fake *f, struct pool_fake *pool, struct work_fake *work,
    const struct session_config *cfg)
{
	f->pool = pool;
	f->work = work;
	f->session = session_new(pool->pool, &work->base, &f->limits, cfg, &f->why, NULL);
	if (f->session == NULL)
		return false;
	work->turn = pool_turn(pool->pool);
	session_start(f->session, &events, f);
	session_fake_turn(f);
	return true;
}

void session_fake_turn(struct session_fake *f)
{
	turn_run(pool_turn(f->pool->pool));
}

void session_fake_close(struct session_fake *f)
{
	session_free(&f->session);
	assert_null(f->session);
	if (f->pool != NULL)
		session_fake_turn(f);
}

bool session_fake_hear(struct session_fake *f, unsigned ms)
{
	static uint16_t last;
	size_t n = (size_t)ms * EAR_RATE_HZ / 1000;
	int16_t *samples = xcalloc(n + 1, sizeof *samples);
	bool go_on;

	for (size_t i = 0; i < n; i++)
		samples[i] = (int16_t)(last += 40503u);
	go_on = session_audio(f->session, samples, n * sizeof *samples);
	free(samples);
	session_fake_turn(f);
	return go_on;
}

void session_fake_expect(struct session_fake *f, const char *lines)
{
	session_fake_turn(f);
	f->log[f->log_n] = '\0';
	assert_string_equal(f->log, lines);
	f->log_n = 0;
}

void session_fake_forget(struct session_fake *f)
{
	session_fake_turn(f);
	f->log_n = 0;
}
