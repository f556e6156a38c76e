/* The same audio, cut up and delayed in random ways, must reach the instances sample for sample as the ear alone
 * gives it; and whatever fails, every utterance ends exactly once and the session comes to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/speech_fake.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_fake.h"

enum { SECONDS = 12, MARKS = 6, SEEDS = 6, STEPS_MAX = 200000 };

struct row {
	const char *name;
	enum endpointing endpointing;
	struct format format;
	enum refresh refresh;
	bool failures;        /* of utterances, instances and the room to send */
	bool renewals;        /* audio is dropped, and the format changes */
	enum ipc_eager eager; /* its instances have eager finals */
};

static struct row rows[] = {
	{ "manual, as it comes", ENDPOINTING_MANUAL, { ENCODING_S16LE, 16000, 1 },
	    REFRESH_UTTERANCE, false, false, IPC_EAGER_NONE },
	{ "manual, one instance for all", ENDPOINTING_MANUAL, { ENCODING_S16LE, 16000, 1 },
	    REFRESH_SESSION, false, false, IPC_EAGER_NONE },
	{ "manual, telephone", ENDPOINTING_MANUAL, { ENCODING_MULAW, 8000, 1 }, REFRESH_UTTERANCE,
	    false, false, IPC_EAGER_NONE },
	{ "manual, stereo at 48 kHz", ENDPOINTING_MANUAL, { ENCODING_S16LE, 48000, 2 },
	    REFRESH_UTTERANCE, false, false, IPC_EAGER_NONE },
	{ "vad, as it comes", ENDPOINTING_VAD, { ENCODING_S16LE, 16000, 1 }, REFRESH_UTTERANCE,
	    false, false, IPC_EAGER_NONE },
	{ "vad, floats at 44.1 kHz", ENDPOINTING_VAD, { ENCODING_F32LE, 44100, 1 },
	    REFRESH_UTTERANCE, false, false, IPC_EAGER_NONE },
	{ "manual, with failures", ENDPOINTING_MANUAL, { ENCODING_S16LE, 16000, 1 },
	    REFRESH_UTTERANCE, true, false, IPC_EAGER_NONE },
	{ "vad, with failures", ENDPOINTING_VAD, { ENCODING_S16LE, 16000, 1 }, REFRESH_RESET, true,
	    false, IPC_EAGER_NONE },
	{ "dropped audio and other formats", ENDPOINTING_MANUAL, { ENCODING_S16LE, 16000, 1 },
	    REFRESH_UTTERANCE, false, true, IPC_EAGER_NONE },
	{ "dropped audio and other formats, one instance for all", ENDPOINTING_VAD,
	    { ENCODING_S16LE, 16000, 1 }, REFRESH_SESSION, false, true, IPC_EAGER_NONE },
	{ "dropped audio and other formats, with failures", ENDPOINTING_VAD,
	    { ENCODING_S16LE, 16000, 1 }, REFRESH_RESET, true, true, IPC_EAGER_NONE },
	{ "eager finals", ENDPOINTING_VAD, { ENCODING_S16LE, 16000, 1 }, REFRESH_UTTERANCE, false,
	    false, IPC_EAGER_FORKED },
	{ "eager finals, one instance for all", ENDPOINTING_VAD, { ENCODING_S16LE, 16000, 1 },
	    REFRESH_SESSION, false, false, IPC_EAGER_ANEW },
	{ "eager finals, with failures", ENDPOINTING_VAD, { ENCODING_S16LE, 16000, 1 },
	    REFRESH_UTTERANCE, true, false, IPC_EAGER_FORKED },
	{ "eager finals, with failures, one instance for all", ENDPOINTING_VAD,
	    { ENCODING_S16LE, 16000, 1 }, REFRESH_SESSION, true, false, IPC_EAGER_ANEW },
	{ "eager finals, dropped audio and other formats, with failures", ENDPOINTING_VAD,
	    { ENCODING_S16LE, 16000, 1 }, REFRESH_RESET, true, true, IPC_EAGER_FORKED },
};

static struct pool_fake pool;
static struct work_fake work;
static struct session_fake *f;
static struct session_config cfg;
static const struct row *row;
static uint64_t seed;
static uint8_t *bytes; /* owned */
static size_t bytes_n, sent;
static size_t marks[MARKS + 1]; /* byte positions, rising; the last one is never reached */
static size_t marks_done;
static unsigned commits, clears;
static size_t pause_at; /* bytes: here the client waits until all of them have been heard */
static unsigned eagers, resumes;
static unsigned pauses;         /* utterances that ended in one */
static unsigned drains_awaited; /* the client keeps still until there were so many */

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static void put_sample(const struct format *format, uint8_t *to, float x)
{
	int16_t whole = (int16_t)(x * 20000.0f);

	if (format->encoding == ENCODING_F32LE)
		memcpy(to, &x, sizeof x);
	else if (format->encoding == ENCODING_S16LE)
		memcpy(to, &whole, sizeof whole);
	else
		to[0] = (uint8_t)(rnd(256)); /* noise will do */
}

static void make_audio(void)
{
	const struct speech_fake speech = { .rate_hz = cfg.ear.format.rate_hz,
		.phrase_s = 1.1,
		.pause_s = 0.9,
		.level = 0.05,
		.noise = 0.001 };
	unsigned channels = cfg.ear.format.channels,
		 size = format_frame_bytes(&cfg.ear.format) / channels;
	size_t frames = (size_t)SECONDS * cfg.ear.format.rate_hz;
	float *samples = xcalloc(frames, sizeof *samples);

	speech_fake_fill(&speech, samples, frames);
	bytes_n = frames * channels * size + rnd(2); /* the last frame may lack a part */
	bytes = xcalloc(1, bytes_n + size * channels);
	for (size_t i = 0; i < frames * channels; i++)
		put_sample(&cfg.ear.format, bytes + i * size, samples[i / channels]);
	free(samples);
	for (size_t i = 0, at = 0; i < MARKS; i++)
		marks[i] = at += rnd((unsigned)(bytes_n / (MARKS + 1)));
	marks[MARKS] = SIZE_MAX;
}

/* What the ear alone makes of it. */
static void hear_alone(struct ear_out *out)
{
	struct error err;
	struct ear *ear = ear_new(&cfg.ear, &err);
	size_t at = 0;

	assert_non_null(ear);
	*out = (struct ear_out){ 0 };
	for (size_t i = 0; i < MARKS; i++) {
		assert_int_equal(ear_feed(ear, bytes + at, marks[i] - at, out, &err), 0);
		assert_int_equal(ear_commit(ear, out, &err), 0);
		at = marks[i];
	}
	assert_int_equal(ear_feed(ear, bytes + at, bytes_n - at, out, &err), 0);
	assert_int_equal(ear_finish(ear, out, &err), 0);
	ear_free(&ear);
}

static void other_format(void)
{
	static const struct format formats[] = { { ENCODING_S16LE, 16000, 1 },
		{ ENCODING_MULAW, 8000, 1 }, { ENCODING_S16LE, 48000, 2 },
		{ ENCODING_S16LE, 44100, 1 } };
	struct ear_config ear = cfg.ear;
	struct error err;

	ear.format = formats[rnd(ARRAY_SIZE(formats))];
	ear.endpoint.endpointing = rnd(2) == 0 ? ENDPOINTING_VAD : ENDPOINTING_MANUAL;
	assert_int_equal(session_reconfigure(f->session, &ear, &err), 0);
}

static void other_wishes(void)
{
	const struct session_wishes wishes = { .language = rnd(2) == 0 ? "de" : NULL,
		.prompt = rnd(2) == 0 ? "as before" : "",
		.translate = rnd(2) == 0 };
	struct error err;

	assert_int_equal(session_wish(f->session, &wishes, &err), 0);
}

static void commit(void)
{
	commits++;
	session_commit(f->session);
}

static void renew(void)
{
	unsigned what = rnd(60);

	if (what == 0) {
		clears++;
		session_clear(f->session);
	} else if (what == 1) {
		other_format();
	} else if (what == 2) {
		commit();
	} else if (what == 3) {
		other_wishes();
	}
}

/* Nothing holds back what is told as heard for good. */
static bool is_pausing(void)
{
	return sent >= pause_at && f->heard_bytes < sent;
}

/* Bytes. Live where eager finals are to come in the midst of pauses. */
static unsigned piece_max(void)
{
	unsigned per_s = (unsigned)format_bytes_per_s(&cfg.ear.format);

	if (row->eager != IPC_EAGER_NONE)
		return per_s / 20;
	return rnd(3) == 0 ? per_s : 700;
}

/* Gives the next piece, and the commits and the end where they belong. */
static void client_gives(void)
{
	size_t n = 1 + rnd(piece_max()), to = MIN(sent + n, bytes_n), from = sent;

	if (f->session == NULL || sent == bytes_n || drains_awaited > f->drains || is_pausing())
		return;
	if (sent >= pause_at)
		pause_at = sent + 1 + rnd((unsigned)bytes_n / 4);
	if (row->renewals)
		renew();
	to = MIN(to, marks[marks_done]);
	sent = to; /* before the call: what it tells may bring us here again */
	if (!session_audio(f->session, bytes + from, to - from))
		drains_awaited = f->drains + 1;
	while (marks_done < MARKS && marks[marks_done] == to) {
		marks_done++;
		commit();
	}
	if (sent == bytes_n)
		session_end(f->session);
}

static bool wants_audio(void)
{
	return work.first == NULL || (row->eager == IPC_EAGER_NONE && rnd(4) == 0);
}

static void then_give(struct session_fake *c, enum session_event_kind kind)
{
	(void)c;
	(void)kind;
	if (rnd(4) == 0)
		client_gives();
}

/* A function of what it has heard. */
static const char *text_of(const struct pool_fake_instance *i)
{
	static char text[32];

	(void)snprintf(text, sizeof text, "of %zu", i->samples);
	return text;
}

static void tell_cancelled(struct pool_fake_instance *i, uint64_t id)
{
	i->cancels_told = i->cancels;
	pool_fake_say(&pool, id, IPC_CANCELLED);
}

static void instance_does(uint64_t id)
{
	struct pool_fake_instance *i = pool_fake_at(&pool, id);
	bool bad = row->failures && rnd(60) == 0;

	if (!i->born)
		pool_fake_born(&pool, id);
	else if (!i->ready)
		pool_fake_say(&pool, id, IPC_READY);
	else if (rnd(3) == 0)
		pool_fake_room(&pool, id, (int)rnd(5));
	else if (bad && rnd(2) == 0)
		pool_fake_lose(&pool, id, "lost");
	else if (bad && i->open)
		pool_fake_failed(&pool, id, "no");
	else if (i->open && i->ended && rnd(3) == 0)
		pool_fake_final(&pool, id, text_of(i));
	else if (i->open && i->eager_due && rnd(2) == 0)
		pool_fake_eager(&pool, id, text_of(i));
	else if (i->open && i->cancels > i->cancels_told && rnd(2) == 0)
		tell_cancelled(i, id);
	else if (i->open && i->partial_requests > 0)
		pool_fake_partial(&pool, id, "text");
}

/* Any that lives; 0: none does. */
static uint64_t pick_instance(void)
{
	uint64_t got = 0;
	unsigned n = 0;

	for (uint64_t id = 1; id <= pool.last_id; id++)
		if (!pool.instances[id].exited && !pool.instances[id].let_go && rnd(++n) == 0)
			got = id;
	return got;
}

static void step(void)
{
	unsigned what = rnd(10);

	if (what < 3 && wants_audio())
		client_gives();
	else if (what < 6)
		(void)work_fake_run_one(&work);
	else if (pick_instance() != 0)
		instance_does(pick_instance());
	else
		pool_fake_pass_ms(&pool, 100); /* after one that was lost while it started */
}

/* Of an utterance that ended in a pause what follows its last whole block is not heard. */
static size_t check_heard(const struct ear_out *out, size_t from, size_t to, size_t at)
{
	assert_true(at + (to - from) <= pool.heard_n);
	assert_memory_equal(
	    pool.heard + at, out->samples + from, (to - from) * sizeof *out->samples);
	return at + (to - from);
}

static void check_equal(const struct ear_out *out)
{
	size_t ends = 0, from = 0, pause = 0, at = 0;

	for (size_t i = 0; i < out->events_n; i++) {
		const struct ear_event *e = &out->events[i];
		size_t to = e->audio_to - (e->audio_to - from) % IPC_BLOCK_SAMPLES;

		if (e->kind == EAR_SPEECH_START)
			from = e->audio_from;
		pause = e->kind == EAR_PAUSE ? to : e->kind == EAR_SPEECH_END ? pause : 0;
		if (e->kind != EAR_SPEECH_END)
			continue;
		at = check_heard(out, from, pause > from ? pause : e->audio_to, at);
		pauses += pause > from;
		ends++;
	}
	assert_int_equal(at, pool.heard_n);
	assert_true(ends > 1);
	assert_int_equal(f->utterances, ends);
	assert_int_equal(f->finals, ends);
}

static void setup_run(const struct row *r, uint64_t n)
{
	struct pool_config pool_cfg = pool_fake_config();

	row = r;
	seed = 0x9e3779b97f4a7c15ull * n;
	sent = marks_done = 0;
	drains_awaited = commits = clears = 0;
	cfg = session_fake_config();
	cfg.wants_heard = cfg.wants_eager = true;
	cfg.ear.format = r->format;
	cfg.ear.endpoint.endpointing = r->endpointing;
	cfg.ear.endpoint.max_utterance_ms = 2500;
	if (r->eager != IPC_EAGER_NONE && n % 2 == 0) { /* who pauses goes on */
		cfg.ear.endpoint.max_utterance_ms = 5000;
		cfg.ear.endpoint.post_silence_ms = 1500;
	}
	make_audio();
	pause_at = rnd((unsigned)bytes_n / 4);
	work_fake_init(&work);
	f = xcalloc(1, sizeof *f);
	f->limits = (struct session_limits){
		.buffer_ms = 3000, .partial_interval_ms = 300, .losses_max = 8
	};
	f->then = then_give;
	f->then_on = -1;
	pool_cfg.max = 1;
	pool_cfg.spare = 1;
	pool_cfg.refresh = r->refresh;
	pool_cfg.early_finals = 1;
	pool_fake_init(&pool, &pool_cfg);
	pool_set_traits(pool.pool,
	    &(struct ipc_traits){ .eager = r->eager, .decode_threads = 1, .quiet_factor = 1 });
	pool_fake_host_up(&pool);
}

static void run(const struct row *r, uint64_t n)
{
	struct ear_out out;
	int steps = 0;

	setup_run(r, n);
	hear_alone(&out);
	assert_true(session_fake_open(f, &pool, &work, &cfg));
	while (!f->over && steps++ < STEPS_MAX)
		step();
	assert_true(f->over);
	if (!r->renewals)
		assert_non_null(strstr(f->log, "ended 12000 ms"));
	assert_int_equal(f->heard_bytes, bytes_n);
	assert_int_equal(f->committed, commits);
	assert_int_equal(f->cleared, clears);
	if (!r->failures && !r->renewals)
		check_equal(&out);
	eagers += f->eagers;
	resumes += f->resumes;
	session_fake_close(f);
	ear_out_done(&out);
	pool_fake_done(&pool);
	free(f);
	free(bytes);
}

static void test_random(void **state)
{
	eagers = resumes = 0;
	for (uint64_t n = 1; n <= SEEDS; n++)
		run(*state, n);
	if (!row->renewals) {
		assert_int_equal(eagers > 0, row->eager != IPC_EAGER_NONE);
		assert_int_equal(resumes > 0, row->eager != IPC_EAGER_NONE);
	}
	assert_true(
	    pauses > 0 || row->failures || row->renewals || row->endpointing == ENDPOINTING_MANUAL);
	assert_int_equal(metric_get(METRIC_utterances_opened_total),
	    metric_get(METRIC_utterances_done_total) + metric_get(METRIC_utterances_failed_total) +
		metric_get(METRIC_utterances_abandoned_total));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_random, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("session_random", tests, NULL, NULL);
}
