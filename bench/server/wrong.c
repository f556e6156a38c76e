/* Connections with wrong keys: windows in which nobody knocks and windows in which `rate` a second do take turns. Each is a
 * TCP connection of its own, asks to be let in as a WebSocket with a key that the server does not have, waits for the
 * answer and goes. What is made, and not what was wanted, is counted.
 *
 * Between windows is a pause, so that what is under way at the end of one is over before the next begins. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/ws_url.h"
#include "server/delays.h"
#include "server/modes.h"
#include "server/params.h"
#include "server/process.h"

enum {
	PAUSE_MS = 500,
	AT_ONCE_MAX = 1000, /* under way; beyond it nothing is begun, and the rate is missed */
	TICK_MAX = 10,      /* begun in one tick: who is late does not catch up with a crowd */
	REQUEST_BYTES = 1024,
	ANSWER_BYTES = 4096,
};

struct window {
	bool knocking;
	uint64_t from_ns, to_ns, cpu_ns, own_cpu_ns;
	uint64_t begun, refused, other, failed; /* refused: answered 401; other: otherwise */
	struct delays answers;
};

struct knocking {
	const struct params *p;
	struct ws_url url;
	struct sockaddr_in to;
	uv_loop_t loop;
	uv_timer_t tick;
	struct window *windows;
	unsigned at; /* the window that is, or the next */
	bool is_open;
	uint64_t since_ns; /* the window or the pause before it */
	unsigned under_way;
	uint64_t knocks;
	char answer[ANSWER_BYTES]; /* whoever reads is done with it when the callback returns */
};

struct knock {
	struct knocking *all;
	struct window *window;
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	uint64_t begun_ns;
	char request[REQUEST_BYTES];
};

static void on_closed(uv_handle_t *handle)
{
	struct knock *k = handle->data;

	k->all->under_way--;
	free(k);
}

static void leave(struct knock *k, uint64_t *count)
{
	if (uv_is_closing((uv_handle_t *)&k->tcp))
		return;
	(*count)++;
	uv_close((uv_handle_t *)&k->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t wish, uv_buf_t *out)
{
	struct knock *k = handle->data;

	(void)wish;
	*out = uv_buf_init(k->all->answer, ANSWER_BYTES);
}

/* The server writes its answer in one piece, which begins with the status. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	static const char status[] = "HTTP/1.1 401 ";
	struct knock *k = stream->data;

	if (n == 0)
		return;
	if (n < 0) {
		leave(k, &k->window->failed);
	} else if ((size_t)n < sizeof status || memcmp(buf->base, status, sizeof status - 1) != 0) {
		leave(k, &k->window->other);
	} else {
		delays_add(&k->window->answers, clock_now_ns() - k->begun_ns);
		leave(k, &k->window->refused);
	}
}

static void on_written(uv_write_t *write, int status)
{
	struct knock *k = write->data;

	if (status < 0)
		leave(k, &k->window->failed);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct knock *k = connect->data;
	uv_buf_t part = uv_buf_init(k->request, (unsigned)strlen(k->request));

	k->write.data = k;
	if (status < 0 || uv_write(&k->write, connect->handle, &part, 1, on_written) < 0 ||
	    uv_read_start(connect->handle, on_alloc, on_read) < 0)
		leave(k, &k->window->failed);
}

/* As long as a key of the server's, and another one each time. */
static void word_request(struct knock *k)
{
	(void)snprintf(k->request, sizeof k->request,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Authorization: Bearer sp_%043llu\r\n\r\n",
	    k->all->url.target, k->all->url.where, (unsigned long long)k->all->knocks++);
}

static void knock(struct knocking *all, struct window *w)
{
	struct knock *k = xcalloc(1, sizeof *k);

	*k = (struct knock){ .all = all, .window = w, .begun_ns = clock_now_ns() };
	word_request(k);
	(void)uv_tcp_init(&all->loop, &k->tcp);
	k->tcp.data = k;
	k->connect.data = k;
	all->under_way++;
	w->begun++;
	if (uv_tcp_connect(&k->connect, &k->tcp, (const struct sockaddr *)&all->to, on_connected) <
	    0)
		leave(k, &w->failed);
}

static void knock_when_due(struct knocking *all, struct window *w, uint64_t now_ns)
{
	uint64_t due = (now_ns - w->from_ns) * all->p->rate / NS_PER_S;

	for (unsigned i = 0; i < TICK_MAX && w->begun < due && all->under_way < AT_ONCE_MAX; i++)
		knock(all, w);
}

static void open_window(struct knocking *all, struct window *w, uint64_t now_ns)
{
	w->knocking = all->at % 2 == 1;
	w->from_ns = now_ns;
	w->cpu_ns = process_cpu_ns(all->p->pid);
	w->own_cpu_ns = clock_process_cpu_ns();
	all->since_ns = now_ns;
	all->is_open = true;
}

static void close_window(struct knocking *all, struct window *w, uint64_t now_ns)
{
	w->to_ns = now_ns;
	w->cpu_ns = process_cpu_ns(all->p->pid) - w->cpu_ns;
	w->own_cpu_ns = clock_process_cpu_ns() - w->own_cpu_ns;
	all->since_ns = now_ns;
	all->is_open = false;
	if (++all->at == 2 * all->p->rounds)
		uv_close((uv_handle_t *)&all->tick, NULL);
}

static void on_tick(uv_timer_t *timer)
{
	struct knocking *all = timer->data;
	struct window *w = &all->windows[all->at];
	uint64_t now_ns = clock_now_ns(), in_ms = (now_ns - all->since_ns) / NS_PER_MS;

	if (!all->is_open && in_ms >= PAUSE_MS)
		open_window(all, w, now_ns);
	else if (all->is_open && in_ms >= all->p->seconds * 1000ull)
		close_window(all, w, now_ns);
	else if (all->is_open && w->knocking)
		knock_when_due(all, w, now_ns);
}

static void print_window(struct window *w)
{
	double ns = (double)(w->to_ns - w->from_ns);

	(void)printf("{\"knocking\":%s,\"from_ms\":%.3f,\"to_ms\":%.3f,\"server_cpu\":%.4f,"
		     "\"own_cpu\":%.4f,\"begun\":%llu,\"refused\":%llu,\"other\":%llu,"
		     "\"failed\":%llu,",
	    w->knocking ? "true" : "false", (double)w->from_ns / (double)NS_PER_MS,
	    (double)w->to_ns / (double)NS_PER_MS, (double)w->cpu_ns / ns,
	    (double)w->own_cpu_ns / ns, (unsigned long long)w->begun,
	    (unsigned long long)w->refused, (unsigned long long)w->other,
	    (unsigned long long)w->failed);
	delays_print(&w->answers, "answer");
	(void)putchar('}');
}

static void print(struct knocking *all)
{
	(void)printf("{\"windows\":[");
	for (unsigned i = 0; i < 2 * all->p->rounds; i++) {
		(void)printf(i == 0 ? "" : ",");
		print_window(&all->windows[i]);
		delays_done(&all->windows[i].answers);
	}
	(void)puts("]}");
}

int wrong_run(const struct params *p)
{
	struct knocking *all = xcalloc(1, sizeof *all);
	struct error err = ERROR_INIT;

	all->p = p;
	if (ws_url_parse(p->url, &all->url, &err) < 0 ||
	    uv_ip4_addr(all->url.host, (int)all->url.port, &all->to) < 0) {
		(void)fprintf(
		    stderr, "server_load: wrong needs the url of an IPv4 address: %s\n", err.text);
		free(all);
		return 2;
	}
	all->windows = xcalloc(2 * (size_t)p->rounds, sizeof *all->windows);
	all->since_ns = clock_now_ns();
	(void)uv_loop_init(&all->loop);
	(void)uv_timer_init(&all->loop, &all->tick);
	all->tick.data = all;
	(void)uv_timer_start(&all->tick, on_tick, 1, 1);
	(void)uv_run(&all->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&all->loop);
	print(all);
	free(all->windows);
	free(all);
	return 0;
}
