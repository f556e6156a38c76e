/* Idle clients: connected, started, given a place, and silent. What do they cost the server in memory? */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/util.h"
#include "server/client.h"
#include "server/modes.h"
#include "server/params.h"
#include "server/process.h"

enum { CONNECT_EVERY_MS = 4, SETTLE_MS = 2000 };

struct idle {
	const struct params *p;
	uv_loop_t loop;
	uv_timer_t tick;
	struct client **clients;
	struct place {
		struct idle *idle;
		unsigned at;
	} * places;
	unsigned begun, ready, lost;
	unsigned before_kb, with_kb;
};

static void on_event(void *arg, enum client_event e, uint64_t utterance, const char *text, size_t n)
{
	struct place *place = arg;
	struct idle *idle = place->idle;

	(void)utterance;
	if (e == CLIENT_READY)
		idle->ready++;
	if (e != CLIENT_CLOSED)
		return;
	idle->clients[place->at] = NULL;
	if (idle->with_kb != 0)
		return;
	if (idle->lost++ == 0)
		(void)fprintf(stderr, "server_load: a client was closed: %.*s\n", (int)n, text);
}

static void close_all(struct idle *idle)
{
	uv_close((uv_handle_t *)&idle->tick, NULL);
	for (unsigned i = 0; i < idle->begun; i++)
		if (idle->clients[i] != NULL)
			client_close(idle->clients[i]);
}

static void on_settled(uv_timer_t *timer)
{
	struct idle *idle = timer->data;

	idle->with_kb = process_rss_kb(idle->p->pid);
	close_all(idle);
}

static void on_tick(uv_timer_t *timer)
{
	struct idle *idle = timer->data;
	const struct client_config cfg = { idle->p->url, idle->p->vad, true, 16000, 0, on_event };
	unsigned at = idle->begun;

	if (idle->lost > 0) {
		close_all(idle);
	} else if (at < idle->p->n) {
		idle->places[at] = (struct place){ idle, at };
		idle->clients[at] = client_new(&idle->loop, &cfg, &idle->places[at]);
		idle->begun++;
	} else if (idle->ready == idle->p->n) {
		(void)uv_timer_start(timer, on_settled, SETTLE_MS, 0);
	}
}

int idle_run(const struct params *p)
{
	struct idle idle = { .p = p, .before_kb = process_rss_kb(p->pid) };

	idle.clients = xcalloc(p->n, sizeof(struct client *));
	idle.places = xcalloc(p->n, sizeof *idle.places);
	(void)uv_loop_init(&idle.loop);
	(void)uv_timer_init(&idle.loop, &idle.tick);
	idle.tick.data = &idle;
	(void)uv_timer_start(&idle.tick, on_tick, CONNECT_EVERY_MS, CONNECT_EVERY_MS);
	(void)uv_run(&idle.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&idle.loop);
	(void)printf("{\"n\":%u,\"lost\":%u,\"before_kb\":%u,\"with_kb\":%u,\"kib_each\":%.2f}\n",
	    p->n, idle.lost, idle.before_kb, idle.with_kb,
	    ((double)idle.with_kb - (double)idle.before_kb) / p->n);
	free(idle.clients);
	free(idle.places);
	return idle.lost == 0 ? 0 : 1;
}
