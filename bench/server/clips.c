/* Clients that send clips as fast as the server takes them. Without `vad` each of the n clients sends all clips in one
 * session, a commit behind each; with it, every clip is a session of its own, n at a time, and is sent as recorded; with
 * gap_ms too, one client sends all clips in one session, so much of a quiet room behind each. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "server/client.h"
#include "server/clip.h"
#include "server/modes.h"
#include "server/params.h"
#include "server/plan.h"

enum { PIECE_SAMPLES = 8000, TEXT_BYTES = 4096 };

struct speaker {
	struct run *run;
	struct client *client;
	const struct clip *clip;   /* with vad: the one it sends */
	char (*texts)[TEXT_BYTES]; /* owned; one for each clip, or one */
	uint64_t finals;
};

struct run {
	const struct params *p;
	uv_loop_t loop;
	struct clip *clips;
	unsigned clips_n;
	struct speaker *speakers;
	unsigned speakers_n, begun, ready, failed;
	uint64_t from_ns, to_ns; /* the first audio sent, the last final come */
};

static void send_samples(struct speaker *s, const int16_t *samples, size_t n)
{
	for (size_t at = 0; at < n; at += PIECE_SAMPLES)
		client_audio(s->client, samples + at, MIN(n - at, (size_t)PIECE_SAMPLES));
}

static bool is_together(const struct params *p)
{
	return p->vad && p->gap_ms > 0;
}

static void send_with_gap(struct speaker *s, const struct clip *clip)
{
	size_t n;
	int16_t *tape = plan_tape(clip, s->run->p->gap_ms, &n);

	send_samples(s, tape, n);
	free(tape);
}

static void send_clips(struct speaker *s)
{
	const struct run *r = s->run;

	if (s->clip != NULL)
		send_samples(s, s->clip->wav.samples, s->clip->wav.n);
	for (unsigned i = 0; s->clip == NULL && i < r->clips_n; i++) {
		if (is_together(r->p)) {
			send_with_gap(s, &r->clips[i]);
			continue;
		}
		send_samples(s, r->clips[i].samples, r->clips[i].n);
		client_commit(s->client);
	}
	client_stop(s->client);
}

static void take_final(struct speaker *s, uint64_t utterance, const char *message, size_t n)
{
	json_t *final = json_loadb(message, n, 0, NULL);
	const char *text = json_string_value(json_object_get(final, "text"));
	char *to = s->texts[s->run->p->vad ? 0 : MIN(utterance, s->run->clips_n) - 1];
	size_t used = strlen(to);

	if (text != NULL && text[0] != '\0')
		(void)snprintf(to + used, TEXT_BYTES - used, "%s%s", used == 0 ? "" : " ", text);
	json_decref(final);
	s->finals++;
	s->run->to_ns = clock_now_ns();
}

static void begin_next(struct run *r);

/* Without vad all wait for the last one to be ready, so that the clock starts with a full pool. */
static void on_ready(struct speaker *s)
{
	struct run *r = s->run;

	if (r->from_ns == 0)
		r->from_ns = clock_now_ns();
	if (s->clip != NULL) {
		send_clips(s);
		return;
	}
	if (++r->ready < r->speakers_n)
		return;
	r->from_ns = clock_now_ns();
	for (unsigned i = 0; i < r->speakers_n; i++)
		send_clips(&r->speakers[i]);
}

static void on_event(void *arg, enum client_event e, uint64_t utterance, const char *text, size_t n)
{
	struct speaker *s = arg;

	if (e == CLIENT_READY)
		on_ready(s);
	if (e == CLIENT_FINAL && utterance > 0)
		take_final(s, utterance, text, n);
	if (e == CLIENT_ERROR) {
		(void)fprintf(stderr, "server_load: %.*s\n", (int)n, text);
		s->run->failed++;
	}
	if (e == CLIENT_CLOSED) {
		s->run->failed += utterance != 1000; /* the code it was closed with */
		begin_next(s->run);
	}
}

static void begin_next(struct run *r)
{
	struct speaker *s = &r->speakers[r->begun];
	struct client_config cfg = { r->p->url, r->p->vad, r->p->partials, 16000, 0, on_event };

	if (r->begun == r->speakers_n)
		return;
	s->run = r;
	if (r->p->vad && !is_together(r->p)) {
		s->clip = &r->clips[r->begun];
		cfg.rate_hz = s->clip->wav.rate_hz;
	}
	r->begun++;
	s->texts = xcalloc(r->p->vad ? 1 : r->clips_n, TEXT_BYTES);
	s->client = client_new(&r->loop, &cfg, s);
}

static json_t *texts_of(const struct run *r)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < r->speakers_n; i++) {
		const struct speaker *s = &r->speakers[i];
		json_t *texts = json_object();

		for (unsigned c = 0; !r->p->vad && c < r->clips_n; c++)
			(void)json_object_set_new(
			    texts, r->clips[c].name, json_string(s->texts[c]));
		if (r->p->vad)
			(void)json_object_set_new(texts, s->clip != NULL ? s->clip->name : "all",
			    json_string(s->texts[0]));
		(void)json_array_append_new(all, texts);
	}
	return all;
}

static json_t *utterances_of(const struct run *r)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < r->speakers_n; i++)
		(void)json_array_append_new(all, json_integer((json_int_t)r->speakers[i].finals));
	return all;
}

static void print(const struct run *r)
{
	json_t *all =
	    json_pack("{s:f,s:i,s:o,s:o}", "seconds", (double)(r->to_ns - r->from_ns) / 1e9,
		"failed", (int)r->failed, "utterances", utterances_of(r), "texts", texts_of(r));
	char *text = json_dumps(all, JSON_COMPACT);

	(void)puts(text);
	free(text);
	json_decref(all);
}

static int load(struct run *r)
{
	struct error err = ERROR_INIT;

	r->clips_n = (unsigned)r->p->files_n;
	r->clips = xcalloc(r->clips_n + 1, sizeof *r->clips);
	for (unsigned i = 0; i < r->clips_n; i++) {
		if (clip_load(&r->clips[i], r->p->files[i], &err) == 0)
			continue;
		(void)fprintf(stderr, "server_load: %s\n", err.text);
		return -1;
	}
	r->speakers_n = is_together(r->p) ? 1 : r->p->vad ? r->clips_n : r->p->n;
	r->speakers = xcalloc(r->speakers_n + 1, sizeof *r->speakers);
	return 0;
}

int clips_run(const struct params *p)
{
	struct run r = { .p = p };

	if (load(&r) < 0)
		return 2;
	(void)uv_loop_init(&r.loop);
	for (unsigned i = 0; i < p->n; i++)
		begin_next(&r);
	(void)uv_run(&r.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&r.loop);
	print(&r);
	for (unsigned i = 0; i < r.speakers_n; i++)
		free(r.speakers[i].texts);
	for (unsigned i = 0; i < r.clips_n; i++)
		clip_done(&r.clips[i]);
	free(r.speakers);
	free(r.clips);
	return r.failed == 0 ? 0 : 1;
}
