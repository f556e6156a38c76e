/* Short sessions: each says a few short utterances, with a pause before each, and goes; n at a time, `total` in all.
 * The figures are in the server's own histograms. */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/util.h"
#include "server/client.h"
#include "server/modes.h"
#include "server/params.h"

enum { SPEECH_SAMPLES = 4800 };

struct speaker {
	struct brief *brief;
	struct client *client;
	uv_timer_t pause;
	unsigned said;
};

struct brief {
	const struct params *p;
	uv_loop_t loop;
	unsigned begun, done, failed;
	int16_t speech[SPEECH_SAMPLES];
};

static void on_event(
    void *arg, enum client_event e, uint64_t utterance, const char *text, size_t n);

static void begin_session(struct speaker *s)
{
	const struct client_config cfg = { s->brief->p->url, false, false, 16000, 0, on_event };

	s->said = 0;
	s->client = NULL;
	if (s->brief->begun == s->brief->p->total) {
		uv_close((uv_handle_t *)&s->pause, NULL);
		return;
	}
	s->brief->begun++;
	s->client = client_new(&s->brief->loop, &cfg, s);
}

static void on_pause_over(uv_timer_t *timer)
{
	struct speaker *s = timer->data;

	if (s->client == NULL)
		return;
	client_audio(s->client, s->brief->speech, SPEECH_SAMPLES);
	client_commit(s->client);
}

static void say_next(struct speaker *s)
{
	if (s->said++ < s->brief->p->utterances)
		(void)uv_timer_start(&s->pause, on_pause_over, s->brief->p->gap_ms, 0);
	else
		client_stop(s->client);
}

static void on_event(void *arg, enum client_event e, uint64_t utterance, const char *text, size_t n)
{
	struct speaker *s = arg;

	(void)text;
	(void)n;
	if (e == CLIENT_READY || e == CLIENT_FINAL)
		say_next(s);
	if (e == CLIENT_ERROR)
		s->brief->failed++;
	if (e != CLIENT_CLOSED)
		return;
	s->brief->failed += utterance != 1000; /* the code it was closed with */
	s->brief->done++;
	begin_session(s);
}

int short_run(const struct params *p)
{
	struct brief brief = { .p = p };
	struct speaker *speakers = xcalloc(p->n, sizeof *speakers);

	for (size_t i = 0; i < SPEECH_SAMPLES; i++)
		brief.speech[i] = (int16_t)((int)(i % 100) * 40 - 2000);
	(void)uv_loop_init(&brief.loop);
	for (unsigned i = 0; i < p->n; i++) {
		speakers[i].brief = &brief;
		(void)uv_timer_init(&brief.loop, &speakers[i].pause);
		speakers[i].pause.data = &speakers[i];
		begin_session(&speakers[i]);
	}
	(void)uv_run(&brief.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&brief.loop);
	(void)printf("{\"sessions\":%u,\"failed\":%u}\n", brief.done, brief.failed);
	free(speakers);
	return brief.failed == 0 ? 0 : 1;
}
