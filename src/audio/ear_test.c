#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ear.h"
#include "audio/speech_fake.h"
#include "base/error.h"
#include "base/test_skip.h"
#include "base/util.h"

enum { COMMITS_MAX = 4, UTTERANCES_MAX = 64 };

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Signals. */

struct signal {
	float *samples; /* owned; -1..1 */
	size_t n;
	unsigned rate_hz;
};

/* Phrases of `phrase_s` seconds with `pause_s` between them; starts with a pause. */
static struct signal make_speech(unsigned rate_hz, double seconds, double phrase_s, double pause_s)
{
	struct speech_fake fake = { rate_hz, phrase_s, pause_s, 0.05, 0.0006 };
	struct signal s = { NULL, (size_t)(seconds * rate_hz), rate_hz };

	s.samples = xcalloc(s.n, sizeof *s.samples);
	speech_fake_fill(&fake, s.samples, s.n);
	return s;
}

static struct signal make_constant(size_t n, float value)
{
	struct signal s = { xcalloc(n, sizeof(float)), n, 16000 };

	for (size_t i = 0; i < n; i++)
		s.samples[i] = value;
	return s;
}

/* Bytes. */

struct bytes {
	uint8_t *data; /* owned */
	size_t n;
};

/* The code of a one-byte encoding that is nearest to x. */
static uint8_t nearest_code(enum encoding e, float x)
{
	static float values[ENCODINGS][256];
	static uint8_t ready[ENCODINGS];
	unsigned best = 0;

	if (!ready[e]) {
		struct format_reader r;

		format_reader_init(&r, &(struct format){ e, 8000, 1 });
		for (unsigned c = 0; c < 256; c++)
			(void)format_read(&r, &(uint8_t){ (uint8_t)c }, 1, &values[e][c]);
		ready[e] = 1;
	}
	for (unsigned c = 1; c < 256; c++)
		if (fabsf(values[e][c] - x) < fabsf(values[e][best] - x))
			best = c;
	return (uint8_t)best;
}

static size_t encode_one(enum encoding e, float x, uint8_t *to)
{
	int16_t s;

	switch (e) {
	case ENCODING_S16LE:
		s = (int16_t)lrintf(x * 32767.0f);
		to[0] = (uint8_t)((uint16_t)s & 255u);
		to[1] = (uint8_t)((uint16_t)s >> 8);
		return 2;
	case ENCODING_F32LE:
		memcpy(to, &x, sizeof x); /* the tests run on little-endian machines */
		return 4;
	default:
		to[0] = nearest_code(e, x);
		return 1;
	}
}

/* With two channels, the second one is half as loud. */
static struct bytes encode(const struct signal *s, enum encoding e, unsigned channels)
{
	struct bytes b = { xcalloc(s->n * channels, 4), 0 };

	for (size_t i = 0; i < s->n; i++) {
		b.n += encode_one(e, s->samples[i], b.data + b.n);
		if (channels == 2)
			b.n += encode_one(e, s->samples[i] / 2, b.data + b.n);
	}
	return b;
}

/* Listening. */

struct heard {
	struct ear_event events[2 * UTTERANCES_MAX];
	size_t events_n; /* starts and ends */
	struct ear_event pauses[2 * UTTERANCES_MAX];
	size_t pauses_n;  /* and resumes */
	int16_t *samples; /* owned; of all utterances, one after the other */
	size_t samples_n, samples_cap;
	uint64_t position;
};

static void heard_done(struct heard *h)
{
	free(h->samples);
	h->samples = NULL;
}

static void make_room(struct heard *h, size_t n)
{
	if (h->samples_n + n <= h->samples_cap)
		return;
	h->samples_cap = 2 * (h->samples_n + n);
	h->samples = realloc(h->samples, h->samples_cap * sizeof *h->samples);
	assert_non_null(h->samples);
}

/* Adds one output; its indexes become those of all samples. */
static void collect(struct heard *h, const struct ear_out *out)
{
	size_t covered = 0;

	for (size_t i = 0; i < out->events_n; i++) {
		struct ear_event e = out->events[i];
		size_t at = e.kind == EAR_SPEECH_START ? e.audio_from : e.audio_to;

		assert_in_range(at, covered, out->samples_n);
		covered = at;
		if (e.kind == EAR_SPEECH_START)
			e.audio_from += h->samples_n;
		else
			e.audio_to += h->samples_n;
		assert_in_range(h->events_n, 0, ARRAY_SIZE(h->events) - 1);
		assert_in_range(h->pauses_n, 0, ARRAY_SIZE(h->pauses) - 1);
		if (e.kind == EAR_PAUSE || e.kind == EAR_RESUME)
			h->pauses[h->pauses_n++] = e;
		else
			h->events[h->events_n++] = e;
	}
	if (out->samples_n == 0)
		return;
	make_room(h, out->samples_n);
	memcpy(h->samples + h->samples_n, out->samples, out->samples_n * sizeof *h->samples);
	h->samples_n += out->samples_n;
}

struct listening {
	struct ear_config cfg;
	size_t commits
	    [COMMITS_MAX]; /* byte positions, rising, in the middle of samples too; 0: none */
	uint32_t seed;     /* of the chunk sizes; 0: all at once */
	size_t chunk_max;
};

static struct heard listen(const struct listening *l, const struct bytes *b)
{
	struct heard h = { .events_n = 0 };
	struct error err = ERROR_INIT;
	struct ear_out out = { 0 };
	struct ear *ear = ear_new(&l->cfg, &err);
	uint32_t seed = l->seed;
	size_t commit = 0;

	assert_non_null(ear);
	for (size_t at = 0, n; at < b->n; at += n) {
		size_t left = b->n - at, any = 1 + random_next(&seed) % l->chunk_max;

		if (commit < COMMITS_MAX && l->commits[commit] != 0)
			left = MIN(left, l->commits[commit] - at);
		n = l->seed == 0 ? left : MIN(left, any);
		assert_int_equal(ear_feed(ear, b->data + at, n, &out, &err), 0);
		if (commit < COMMITS_MAX && at + n == l->commits[commit]) {
			assert_int_equal(ear_commit(ear, &out, &err), 0);
			commit++;
		}
		collect(&h, &out);
		ear_out_clear(&out);
	}
	assert_int_equal(ear_finish(ear, &out, &err), 0);
	collect(&h, &out);
	h.position = ear_position(ear);
	ear_out_done(&out);
	ear_free(&ear);
	assert_null(ear);
	return h;
}

/* In an utterance, pauses and resumes take turns. */
static void check_pauses(
    const struct heard *h, const struct ear_event *s, const struct ear_event *e)
{
	bool paused = false;

	for (size_t i = 0; i < h->pauses_n; i++) {
		const struct ear_event *p = &h->pauses[i];

		if (p->audio_to <= s->audio_from || p->audio_to > e->audio_to)
			continue;
		assert_int_equal(p->at - s->at, p->audio_to - s->audio_from);
		assert_int_equal(p->kind, paused ? EAR_RESUME : EAR_PAUSE);
		paused = !paused;
	}
}

/* Starts and ends take turns, nothing overlaps, and each utterance has just its samples. */
static void check_order(const struct heard *h)
{
	uint64_t last = 0;
	size_t index = 0;

	assert_int_equal(h->events_n % 2, 0);
	for (size_t i = 0; i < h->events_n; i += 2) {
		const struct ear_event *s = &h->events[i], *e = &h->events[i + 1];

		assert_int_equal(s->kind, EAR_SPEECH_START);
		assert_int_equal(s->cause, EAR_CAUSE_NONE);
		assert_int_equal(e->kind, EAR_SPEECH_END);
		assert_int_not_equal(e->cause, EAR_CAUSE_NONE);
		assert_true(last <= s->at && s->at < e->at && e->at <= h->position);
		assert_in_range(s->speech_at, s->at, e->at);
		assert_in_range(e->speech_at, s->at, e->at);
		assert_int_equal(s->audio_from, index);
		assert_int_equal(e->audio_to - s->audio_from, e->at - s->at);
		check_pauses(h, s, e);
		last = e->at;
		index = e->audio_to;
	}
	assert_int_equal(index, h->samples_n);
}

static void check_same(const struct heard *a, const struct heard *b)
{
	assert_int_equal(a->position, b->position);
	assert_int_equal(a->events_n, b->events_n);
	for (size_t i = 0; i < a->events_n; i++)
		assert_memory_equal(&a->events[i], &b->events[i], sizeof a->events[i]);
	assert_int_equal(a->pauses_n, b->pauses_n);
	for (size_t i = 0; i < a->pauses_n; i++)
		assert_memory_equal(&a->pauses[i], &b->pauses[i], sizeof a->pauses[i]);
	assert_int_equal(a->samples_n, b->samples_n);
	assert_memory_equal(a->samples, b->samples, a->samples_n * sizeof *a->samples);
}

/* Of native bytes: the samples of each utterance are those of the input at its place. */
static void check_samples(const struct heard *h, const struct bytes *b)
{
	for (size_t i = 0; i < h->events_n; i += 2) {
		const struct ear_event *s = &h->events[i], *e = &h->events[i + 1];

		assert_memory_equal(
		    h->samples + s->audio_from, b->data + 2 * s->at, 2 * (size_t)(e->at - s->at));
	}
}

static struct listening listening_to(enum encoding e, unsigned rate_hz, unsigned channels)
{
	struct listening l = { .chunk_max = 1 };

	l.cfg = (struct ear_config){ { e, rate_hz, channels }, ENDPOINT_CONFIG_DEFAULT, 0 };
	return l;
}

/* The same in chunks of up to 7, 640, and 5000 bytes as at once. */
static size_t check_chunkings(struct listening *l, const struct bytes *b)
{
	static const size_t sizes[] = { 7, 640, 5000 };
	struct heard whole = listen(l, b);
	size_t utterances = whole.events_n / 2;

	check_order(&whole);
	if (format_is_native(&l->cfg.format))
		check_samples(&whole, b);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct heard parts;

		l->seed = 17 + (uint32_t)i;
		l->chunk_max = sizes[i];
		parts = listen(l, b);
		check_order(&parts);
		check_same(&whole, &parts);
		heard_done(&parts);
	}
	l->seed = 0;
	heard_done(&whole);
	return utterances;
}

static const struct format formats[] = {
	{ ENCODING_S16LE, 16000, 1 },
	{ ENCODING_S16LE, 16000, 2 },
	{ ENCODING_F32LE, 16000, 1 },
	{ ENCODING_F32LE, 48000, 2 },
	{ ENCODING_S16LE, 44100, 1 },
	{ ENCODING_S16LE, 22050, 1 },
	{ ENCODING_MULAW, 8000, 1 },
	{ ENCODING_ALAW, 8000, 2 },
	{ ENCODING_U8, 11025, 1 },
};

static void check_all_formats(enum endpointing endpointing, unsigned max_utterance_ms, bool commits)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct format *f = &formats[i];
		struct signal s = make_speech(f->rate_hz, 9, 2.5, 1.5);
		struct bytes b = encode(&s, f->encoding, f->channels);
		struct listening l = listening_to(f->encoding, f->rate_hz, f->channels);

		l.cfg.endpoint.endpointing = endpointing;
		l.cfg.endpoint.max_utterance_ms = max_utterance_ms;
		for (size_t k = 0; k < 3 && commits; k++)
			l.commits[k] = b.n / 97 * (20 + 25 * k) + k;
		assert_in_range(check_chunkings(&l, &b), commits ? 3 : 2, 32);
		free(s.samples);
		free(b.data);
	}
}

static void test_any_chunking_gives_the_same_utterances(void **state)
{
	(void)state;
	check_all_formats(ENDPOINTING_VAD, 30000, false);
}

static void test_any_chunking_gives_the_same_cuts(void **state)
{
	(void)state;
	check_all_formats(ENDPOINTING_VAD, 1000, false);
	check_all_formats(ENDPOINTING_MANUAL, 1234, false);
}

static void test_any_chunking_gives_the_same_with_commits(void **state)
{
	(void)state;
	check_all_formats(ENDPOINTING_VAD, 30000, true);
	check_all_formats(ENDPOINTING_VAD, 1000, true);
	check_all_formats(ENDPOINTING_MANUAL, 30000, true);
	check_all_formats(ENDPOINTING_MANUAL, 1000, true);
}

static bool read_clip(const char *name, struct bytes *b)
{
	const char *dir = getenv("STENOPOOL_TEST_AUDIO");
	char path[512];
	FILE *f;

	(void)snprintf(
	    path, sizeof path, "%s/%s", dir != NULL ? dir : STENOPOOL_TEST_AUDIO_DEFAULT, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	b->data = xcalloc(1, 1 << 20);
	b->n = fread(b->data, 1, 1 << 20, f);
	(void)fclose(f);
	assert_in_range(b->n, 45, (1 << 20) - 1);
	b->n = (b->n - 44) / 2 * 2;
	memmove(b->data, b->data + 44, b->n);
	return true;
}

static void test_any_chunking_of_real_speech_gives_the_same(void **state)
{
	struct listening native = listening_to(ENCODING_S16LE, 16000, 1);
	struct listening other = listening_to(ENCODING_S16LE, 22050, 1);
	struct bytes b;

	(void)state;
	if (!read_clip("jfk.wav", &b))
		test_skip("no clips of real speech in $STENOPOOL_TEST_AUDIO");
	native.cfg.endpoint.max_utterance_ms = 2500;
	assert_in_range(check_chunkings(&native, &b), 4, 12);
	free(b.data);
	assert_true(read_clip("lj001-0004.wav", &b));
	other.commits[0] = b.n / 2 + 1;
	assert_int_equal(check_chunkings(&other, &b), 2);
	free(b.data);
}

/* Endpointing. */

static void test_each_phrase_is_an_utterance_with_pre_roll_and_a_pause(void **state)
{
	struct signal s = make_speech(16000, 9, 2.5, 1.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h = listen(&l, &b);

	(void)state;
	assert_int_equal(h.events_n, 4);
	assert_int_equal(h.pauses_n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct ear_event *start = &h.events[2 * i], *end = &h.events[2 * i + 1];
		uint64_t from = 24000 + 64000 * i, to = from + 40000;

		assert_in_range(start->speech_at, from - 800, from + 1600);
		assert_int_equal(start->at, start->speech_at - 300 * 16);
		assert_in_range(end->speech_at, to - 3200, to + 800);
		assert_int_equal(end->cause, EAR_CAUSE_SILENCE);
		assert_in_range(end->at - end->speech_at, 600 * 16, 700 * 16);
		assert_int_equal(h.pauses[i].kind, EAR_PAUSE);
		assert_int_equal(h.pauses[i].speech_at, end->speech_at);
		assert_in_range(h.pauses[i].at - end->speech_at, 200 * 16, end->at - 200 * 16);
	}
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_pre_roll_does_not_reach_into_the_utterance_before(void **state)
{
	struct signal s = make_speech(16000, 12, 1, 0.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h;
	size_t touching = 0;

	(void)state;
	l.cfg.endpoint.post_silence_ms = 200;
	l.cfg.endpoint.pre_roll_ms = 2000;
	h = listen(&l, &b);
	check_order(&h);
	for (size_t i = 2; i < h.events_n; i += 2)
		touching += h.events[i].at == h.events[i - 1].at;
	assert_int_equal(touching, 7);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void check_nothing_heard(struct signal s)
{
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h;

	l.commits[0] = b.n / 2;
	h = listen(&l, &b);
	assert_int_equal(h.events_n, 0);
	assert_int_equal(h.samples_n, 0);
	assert_int_equal(h.position, s.n);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_silence_opens_nothing(void **state)
{
	(void)state;
	check_nothing_heard(make_constant(160000, 0.0f));
	check_nothing_heard(make_constant(160000, 0.25f));
	check_nothing_heard(make_speech(16000, 10, 1, 11));
	check_nothing_heard(make_constant(0, 0.0f));
	check_nothing_heard(make_constant(100, 0.0f));
}

/* A pause of 40 ms in the buzz of a phrase, at `at`. */
static void quieten(struct signal *s, double at)
{
	for (size_t i = (size_t)(at * 16000); i < (size_t)((at + 0.12) * 16000); i++)
		s->samples[i] = 0.0f;
}

static void check_cut(enum endpointing endpointing, uint64_t from)
{
	struct signal s = make_speech(16000, 11.5, 10, 1.5);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct bytes b;
	struct heard h;

	quieten(&s, (double)from / 16000 + 4.2); /* within the last two seconds of five */
	b = encode(&s, ENCODING_S16LE, 1);
	l.cfg.endpoint.endpointing = endpointing;
	l.cfg.endpoint.max_utterance_ms = 5000;
	h = listen(&l, &b);
	check_order(&h);
	check_samples(&h, &b);
	assert_true(h.events_n >= 4);
	assert_int_equal(h.events[1].cause, EAR_CAUSE_MAX_LENGTH);
	assert_in_range(h.events[1].at, from + 67200, from + 67200 + 1920);
	assert_int_equal(h.events[2].at, h.events[1].at);
	assert_int_equal(h.events[h.events_n - 1].cause, EAR_CAUSE_STOP);
	assert_int_equal(h.events[h.events_n - 1].at, s.n);
	for (size_t i = 0; i < h.events_n; i += 2)
		assert_in_range(h.events[i + 1].at - h.events[i].at, 1, 5000 * 16);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_an_utterance_at_its_maximum_is_cut_where_it_is_quietest(void **state)
{
	(void)state;
	check_cut(ENDPOINTING_MANUAL, 0);
	check_cut(ENDPOINTING_VAD, 24000 - 4800);
}

static void test_a_cut_in_the_silence_after_speech_opens_no_empty_utterance(void **state)
{
	struct signal s = make_speech(16000, 9, 2.5, 1.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h;

	(void)state;
	l.cfg.endpoint.post_silence_ms = 10000;
	l.cfg.endpoint.max_utterance_ms = 3700;
	h = listen(&l, &b);
	check_order(&h);
	assert_int_equal(h.events_n, 4);
	assert_int_equal(h.events[1].cause, EAR_CAUSE_MAX_LENGTH);
	assert_in_range(h.events[1].speech_at, 64000 - 3200, 64000 + 800);
	assert_in_range(h.events[2].speech_at, 88000 - 800, 88000 + 1600);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_a_commit_ends_the_utterance_at_the_last_sample_heard(void **state)
{
	struct signal s = make_speech(16000, 9, 2.5, 1.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h;

	(void)state;
	for (size_t i = 50077; i < s.n; i++) /* the speaker stops at the commit */
		memcpy(b.data + 2 * i, b.data + 2 * (i % 20000), 2);
	l.cfg.endpoint.min_speech_ms = 0;
	l.commits[0] = 2 * 50077 + 1; /* within a hop, and within a sample */
	l.commits[1] = 2 * 100000;    /* nothing to end */
	h = listen(&l, &b);
	check_order(&h);
	assert_int_equal(h.events_n, 2);
	assert_int_equal(h.events[1].cause, EAR_CAUSE_COMMIT);
	assert_int_equal(h.events[1].at, 50077);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_speech_that_goes_on_after_a_commit_loses_no_sample(void **state)
{
	struct signal s = make_speech(16000, 4, 2.5, 1.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h;

	(void)state;
	l.commits[0] = 2 * 40003;
	h = listen(&l, &b);
	check_order(&h);
	check_samples(&h, &b);
	assert_int_equal(h.events_n, 4);
	assert_int_equal(h.events[1].at, 40003);
	assert_int_equal(h.events[2].at, 40003);
	assert_int_equal(h.events[3].at, s.n);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_with_manual_endpointing_every_sample_is_in_one_utterance(void **state)
{
	struct signal s = make_speech(16000, 9, 2.5, 1.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h;

	(void)state;
	l.cfg.endpoint.endpointing = ENDPOINTING_MANUAL;
	l.cfg.endpoint.max_utterance_ms = 2000;
	l.commits[0] = 30000;
	l.commits[1] = 180002;
	h = listen(&l, &b);
	check_order(&h);
	assert_int_equal(h.samples_n, s.n);
	assert_memory_equal(h.samples, b.data, b.n);
	assert_int_equal(h.events[1].at, 15000);
	assert_int_equal(h.events[1].cause, EAR_CAUSE_COMMIT);
	assert_int_equal(h.events[h.events_n - 1].cause, EAR_CAUSE_STOP);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_a_commit_waits_for_nothing_in_the_resampler(void **state)
{
	struct signal s = make_speech(48000, 3, 2, 0.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 48000, 1);
	struct heard h;

	(void)state;
	l.cfg.endpoint.endpointing = ENDPOINTING_MANUAL;
	l.commits[0] = 2 * 48000;
	h = listen(&l, &b);
	check_order(&h);
	assert_int_equal(h.events_n, 4);
	assert_int_equal(h.events[1].at, 16000);
	assert_int_equal(h.events[3].at, 48000);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_a_word_at_the_very_end_is_heard(void **state)
{
	struct signal s = make_speech(16000, 1.5 + 0.095, 2.5, 1.5);
	struct bytes b = encode(&s, ENCODING_S16LE, 1);
	struct listening l = listening_to(ENCODING_S16LE, 16000, 1);
	struct heard h = listen(&l, &b);

	(void)state;
	assert_int_equal(h.events_n, 2);
	assert_int_equal(h.events[1].cause, EAR_CAUSE_STOP);
	assert_int_equal(h.events[1].at, s.n);
	heard_done(&h);
	free(b.data);
	free(s.samples);
}

static void test_one_that_goes_on_differs_in_nothing_but_positions(void **state)
{
	const struct ear_config cfg = { { ENCODING_S16LE, 16000, 1 }, ENDPOINT_CONFIG_DEFAULT, 0 };
	const uint64_t position = 12345;
	struct signal s = make_speech(16000, 6, 1.0, 1.0);
	int16_t *samples = xcalloc(s.n, sizeof *samples);
	struct ear_out a = { 0 }, b = { 0 };
	struct error err;
	struct ear *first = ear_new(&cfg, &err), *later = ear_new_at(&cfg, position, &err);

	(void)state;
	for (size_t i = 0; i < s.n; i++)
		samples[i] = (int16_t)(s.samples[i] * 32767.0f);
	assert_int_equal(ear_position(later), position);
	assert_int_equal(ear_feed(first, samples, s.n * 2, &a, &err), 0);
	assert_int_equal(ear_feed(later, samples, s.n * 2, &b, &err), 0);
	assert_int_equal(ear_position(later), s.n + position);
	assert_true(a.events_n >= 4);
	assert_int_equal(a.events_n, b.events_n);
	for (size_t i = 0; i < a.events_n; i++) {
		assert_int_equal(a.events[i].at + position, b.events[i].at);
		assert_int_equal(a.events[i].speech_at + position, b.events[i].speech_at);
	}
	assert_int_equal(a.samples_n, b.samples_n);
	assert_memory_equal(a.samples, b.samples, a.samples_n * sizeof *a.samples);
	ear_free(&first);
	ear_free(&later);
	ear_out_done(&a);
	ear_out_done(&b);
	free(samples);
	free(s.samples);
}

static void test_extreme_values_do_no_harm(void **state)
{
	static const float values[] = { 1.0f, -1.0f, 1e30f, NAN, INFINITY, -1e-30f };
	struct signal s = make_speech(16000, 6, 2, 1);

	(void)state;
	for (size_t i = 0; i < s.n; i++)
		if (i / 8000 % 2 == 0)
			s.samples[i] = values[i % ARRAY_SIZE(values)];
	for (unsigned rate = 8000; rate <= 48000; rate += 8000) {
		struct bytes b = encode(&s, ENCODING_F32LE, 1);
		struct listening l = listening_to(ENCODING_F32LE, rate, 1);

		(void)check_chunkings(&l, &b);
		free(b.data);
	}
	free(s.samples);
}

static void test_a_config_that_cannot_be_is_refused_with_its_value(void **state)
{
	static const struct {
		struct format format;
		double sensitivity;
		const char *want;
	} rows[] = {
		{ { ENCODING_S16LE, 7, 1 }, 0.5, "sample_rate 7 is not supported; 8000 to 192000" },
		{ { ENCODING_S16LE, 8000, 9 }, 0.5, "channels 9 is not supported; 1 to 8" },
		{ { ENCODING_S16LE, 8000, 1 }, 2, "vad_sensitivity 2 is out of range; 0 to 1" },
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ear_config cfg = { rows[i].format, ENDPOINT_CONFIG_DEFAULT, 0 };

		cfg.endpoint.vad_sensitivity = rows[i].sensitivity;
		assert_null(ear_new(&cfg, &err));
		assert_string_equal(err.text, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_chunking_gives_the_same_utterances),
		cmocka_unit_test(test_any_chunking_gives_the_same_cuts),
		cmocka_unit_test(test_any_chunking_gives_the_same_with_commits),
		cmocka_unit_test(test_any_chunking_of_real_speech_gives_the_same),
		cmocka_unit_test(test_each_phrase_is_an_utterance_with_pre_roll_and_a_pause),
		cmocka_unit_test(test_pre_roll_does_not_reach_into_the_utterance_before),
		cmocka_unit_test(test_silence_opens_nothing),
		cmocka_unit_test(test_an_utterance_at_its_maximum_is_cut_where_it_is_quietest),
		cmocka_unit_test(test_a_cut_in_the_silence_after_speech_opens_no_empty_utterance),
		cmocka_unit_test(test_a_commit_ends_the_utterance_at_the_last_sample_heard),
		cmocka_unit_test(test_speech_that_goes_on_after_a_commit_loses_no_sample),
		cmocka_unit_test(test_with_manual_endpointing_every_sample_is_in_one_utterance),
		cmocka_unit_test(test_a_commit_waits_for_nothing_in_the_resampler),
		cmocka_unit_test(test_a_word_at_the_very_end_is_heard),
		cmocka_unit_test(test_one_that_goes_on_differs_in_nothing_but_positions),
		cmocka_unit_test(test_extreme_values_do_no_harm),
		cmocka_unit_test(test_a_config_that_cannot_be_is_refused_with_its_value),
	};
	return cmocka_run_group_tests_name("ear", tests, NULL, NULL);
}
