/* Live clients: they connect in turn, wait until all have a place, then each sends 20 ms of audio every 20 ms.
 * A tick of 1 ms serves the clients whose turn it is, so that frames are spread evenly over the 20 ms, and late ones
 * are counted: the delays are worth something only while there are few.
 *
 * With `trace` a first line of JSON says that the measurement begins, and the last one has every final in it.
 *
 * A delay runs from the sending of the frame (or commit) that makes an event due to the event's arrival. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "audio/ear.h"
#include "audio/vad_silero_weights.h"
#include "audio/weights_found.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "server/client.h"
#include "server/clip.h"
#include "server/delays.h"
#include "server/modes.h"
#include "server/params.h"
#include "server/plan.h"
#include "server/process.h"
#include "server/trace.h"

enum {
	PERIOD_MS = 20,
	VARIANTS = 8,
	PAUSE_MS = 1300,
	CONNECT_EVERY_MS = 4,
	WARM_FRAMES = 200,    /* sent before the measurement begins */
	TAIL_FRAMES = 50,     /* and after it, so that what is due still comes */
	STAGGER_FRAMES = 150, /* clients begin over so much time */
	LATE_MS = 5,
	RING = 16,
	SETTLE_MS = 500,
};

struct session {
	struct live *live;
	struct client *client;
	const struct plan *plan;
	unsigned begins_at; /* round in which it sends its first frame */
	unsigned frame;
	uint64_t starts, ends;
	struct {
		uint64_t start_ns, end_ns; /* 0: not measured, or has come */
	} due[RING];                       /* by utterance */
};

enum stage { STAGE_CONNECTING, STAGE_SETTLING, STAGE_SPEAKING, STAGE_CLOSING };

struct live {
	const struct params *p;
	uv_loop_t loop;
	uv_timer_t tick;
	enum stage stage;
	struct plan plans[VARIANTS];
	struct session *sessions;
	unsigned connected, ready, lost;
	uint64_t stage_ns; /* when it began */
	uint64_t served;   /* ticks of 1 ms that have been served since */
	uint64_t total_rounds, from_round, to_round;
	uint64_t cpu_ns, own_cpu_ns, window_ns;
	unsigned rss_before_kb, rss_kb;
	struct delays starts, ends, finals;
	struct trace trace;
	uint64_t sent, late, max_late_ns, partials, due_n;
};

static void enter(struct live *l, enum stage stage)
{
	l->stage = stage;
	l->stage_ns = clock_now_ns();
	l->served = 0;
}

static void came(struct delays *d, uint64_t due_ns)
{
	if (due_ns != 0)
		delays_add(d, clock_now_ns() - due_ns);
}

static void take_final(struct live *l, uint64_t due_ns)
{
	came(&l->finals, due_ns);
	if (due_ns != 0)
		trace_final(&l->trace, due_ns, clock_now_ns() - due_ns);
}

static void on_event(void *arg, enum client_event e, uint64_t utterance, const char *text, size_t n)
{
	struct session *s = arg;
	struct live *l = s->live;
	unsigned at = utterance % RING;

	switch (e) {
	case CLIENT_READY:
		l->ready++;
		break;
	case CLIENT_SPEECH_START:
		came(&l->starts, s->due[at].start_ns);
		break;
	case CLIENT_SPEECH_END:
		came(&l->ends, s->due[at].end_ns);
		break;
	case CLIENT_FINAL:
		take_final(l, s->due[at].end_ns);
		break;
	case CLIENT_PARTIAL:
		l->partials++;
		break;
	case CLIENT_CLOSED:
		s->client = NULL;
		l->connected--;
		if (l->stage != STAGE_CLOSING && l->lost++ == 0)
			(void)fprintf(
			    stderr, "server_load: a client was closed: %.*s\n", (int)n, text);
		break;
	default:
		break;
	}
}

static void connect_one(struct live *l)
{
	struct session *s = &l->sessions[l->connected];
	const struct client_config cfg = { l->p->url, l->p->vad, l->p->partials, 16000,
		l->connected % l->p->pools, on_event };

	s->live = l;
	s->plan = &l->plans[l->connected % VARIANTS];
	s->begins_at = (unsigned)((uint64_t)l->connected * STAGGER_FRAMES / l->p->n);
	s->client = client_new(&l->loop, &cfg, s);
	l->connected++;
}

/* Notes what falls due with the frame that has just been sent. */
static void note_due(struct session *s, unsigned frame, bool measured)
{
	uint64_t now_ns = measured ? clock_now_ns() : 0;
	uint8_t due = s->plan->due[frame];

	if (due & PLAN_START)
		s->due[++s->starts % RING].start_ns = now_ns;
	if (due & PLAN_END)
		s->due[++s->ends % RING].end_ns = now_ns;
	if (measured)
		s->live->due_n +=
		    (due & PLAN_START) / PLAN_START + (due & PLAN_END) / PLAN_END * 2u;
}

static void send_frame(struct session *s, uint64_t round)
{
	struct live *l = s->live;
	unsigned frame = s->frame++;

	client_audio(s->client, plan_frame(s->plan, frame), PLAN_FRAME_SAMPLES);
	if (plan_commits_after(s->plan, frame))
		client_commit(s->client);
	if (s->plan->due[frame] != 0)
		note_due(s, frame, round >= l->from_round && round < l->to_round);
}

/* All clients of one millisecond in the period. */
static void serve_tick(struct live *l, uint64_t tick)
{
	uint64_t round = tick / PERIOD_MS, due_ns = l->stage_ns + tick * NS_PER_MS;
	bool measured = round >= l->from_round && round < l->to_round;

	for (unsigned i = (unsigned)(tick % PERIOD_MS); i < l->p->n; i += PERIOD_MS) {
		struct session *s = &l->sessions[i];
		uint64_t late_ns = clock_now_ns() - due_ns;

		if (s->client == NULL || round < s->begins_at)
			continue;
		send_frame(s, round);
		if (!measured)
			continue;
		l->sent++;
		if (late_ns > LATE_MS * NS_PER_MS) {
			l->late++;
			trace_late(&l->trace, due_ns);
		}
		l->max_late_ns = MAX(l->max_late_ns, late_ns);
	}
}

static void begin_window(struct live *l)
{
	l->cpu_ns = process_cpu_ns(l->p->pid);
	l->own_cpu_ns = clock_process_cpu_ns();
	l->window_ns = clock_now_ns();
	if (!l->p->trace)
		return;
	(void)puts("{\"measuring\":true}");
	(void)fflush(stdout);
}

static void end_window(struct live *l)
{
	l->cpu_ns = process_cpu_ns(l->p->pid) - l->cpu_ns;
	l->own_cpu_ns = clock_process_cpu_ns() - l->own_cpu_ns;
	l->window_ns = clock_now_ns() - l->window_ns;
	l->rss_kb = process_rss_kb(l->p->pid);
}

static void close_all(struct live *l)
{
	enter(l, STAGE_CLOSING);
	for (unsigned i = 0; i < l->p->n; i++)
		if (l->sessions[i].client != NULL)
			client_close(l->sessions[i].client);
}

static void speak(struct live *l)
{
	uint64_t now = (clock_now_ns() - l->stage_ns) / NS_PER_MS;

	for (; l->served <= now && l->stage == STAGE_SPEAKING; l->served++) {
		if (l->served == l->from_round * PERIOD_MS)
			begin_window(l);
		if (l->served == l->to_round * PERIOD_MS)
			end_window(l);
		if (l->served == l->total_rounds * PERIOD_MS)
			close_all(l);
		else
			serve_tick(l, l->served);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct live *l = timer->data;
	uint64_t in_stage_ms = (clock_now_ns() - l->stage_ns) / NS_PER_MS;

	if (l->stage == STAGE_CONNECTING) {
		for (; l->connected < l->p->n && l->served < in_stage_ms;
		     l->served += CONNECT_EVERY_MS)
			connect_one(l);
		if (l->ready == l->p->n)
			enter(l, STAGE_SETTLING);
	} else if (l->stage == STAGE_SETTLING && in_stage_ms >= SETTLE_MS) {
		enter(l, STAGE_SPEAKING);
	} else if (l->stage == STAGE_SPEAKING) {
		speak(l);
	}
	if (l->stage == STAGE_CLOSING || l->lost > 0)
		uv_close((uv_handle_t *)timer, NULL);
}

static void print(struct live *l)
{
	double seconds = (double)l->window_ns / (double)NS_PER_S;

	(void)printf("{\"n\":%u,\"lost\":%u,\"seconds\":%.2f,\"server_cpu\":%.4f,\"own_cpu\":%.4f,",
	    l->p->n, l->lost, seconds, (double)l->cpu_ns / (double)l->window_ns,
	    (double)l->own_cpu_ns / (double)l->window_ns);
	(void)printf(
	    "\"rss_before_kb\":%u,\"rss_kb\":%u,\"sent\":%llu,\"late\":%llu,\"max_late_ms\":%.2f,"
	    "\"partials\":%llu,\"due\":%llu,\"came\":%zu,",
	    l->rss_before_kb, l->rss_kb, (unsigned long long)l->sent, (unsigned long long)l->late,
	    (double)l->max_late_ns / (double)NS_PER_MS, (unsigned long long)l->partials,
	    (unsigned long long)l->due_n, l->starts.n + l->ends.n + l->finals.n);
	delays_print(&l->starts, "start");
	(void)putchar(',');
	delays_print(&l->ends, "end");
	(void)putchar(',');
	delays_print(&l->finals, "final");
	if (l->p->trace) {
		(void)putchar(',');
		trace_print(&l->trace);
	}
	(void)puts("}");
}

static int make_plans(struct live *l, const int16_t *tape, size_t tape_n)
{
	struct endpoint_config endpoint = ENDPOINT_CONFIG_DEFAULT;
	struct vad_silero_weights *weights = l->p->silero ? weights_found() : NULL;
	struct error err = ERROR_INIT;
	size_t frames = tape_n / PLAN_FRAME_SAMPLES;
	int rc = 0;

	endpoint.endpointing = l->p->vad ? ENDPOINTING_VAD : ENDPOINTING_MANUAL;
	endpoint.weights = weights;
	for (unsigned v = 0; v < VARIANTS && rc == 0; v++) {
		l->plans[v].tape = tape;
		l->plans[v].tape_n = tape_n;
		l->plans[v].from = frames * v / VARIANTS * PLAN_FRAME_SAMPLES;
		rc = plan_make(&l->plans[v], &endpoint, (unsigned)l->total_rounds, &err);
	}
	if (rc != 0)
		(void)fprintf(stderr, "server_load: %s\n", err.text);
	vad_silero_weights_free(&weights);
	return rc;
}

static void run_loop(struct live *l)
{
	(void)uv_loop_init(&l->loop);
	(void)uv_timer_init(&l->loop, &l->tick);
	l->tick.data = l;
	enter(l, STAGE_CONNECTING);
	(void)uv_timer_start(&l->tick, on_tick, 1, 1);
	(void)uv_run(&l->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&l->loop);
}

int live_run(const struct params *p)
{
	struct live l = { .p = p, .rss_before_kb = process_rss_kb(p->pid) };
	struct error err = ERROR_INIT;
	struct clip clip;
	size_t tape_n;
	int16_t *tape;

	if (p->files_n != 1 || clip_load(&clip, p->files[0], &err) < 0) {
		(void)fprintf(stderr, "server_load: live needs one clip: %s\n", err.text);
		return 2;
	}
	l.from_round = WARM_FRAMES + STAGGER_FRAMES;
	l.to_round = l.from_round + (uint64_t)p->seconds * 1000 / PERIOD_MS;
	l.total_rounds = l.to_round + TAIL_FRAMES;
	l.sessions = xcalloc(p->n, sizeof *l.sessions);
	tape = plan_tape(&clip, PAUSE_MS, &tape_n);
	if (make_plans(&l, tape, tape_n) < 0)
		return 2;
	run_loop(&l);
	print(&l);
	for (unsigned v = 0; v < VARIANTS; v++)
		plan_done(&l.plans[v]);
	delays_done(&l.starts);
	delays_done(&l.ends);
	delays_done(&l.finals);
	trace_done(&l.trace);
	free(tape);
	free(l.sessions);
	clip_done(&clip);
	return l.lost == 0 ? 0 : 1;
}
