#include "server/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "net/ws_client.h"

enum { TIMEOUT_MS = 30000, MESSAGE_MAX_BYTES = 1 << 20, SEND_MAX_BYTES = 1 << 30 };

struct client {
	struct client_config cfg;
	void *arg;
	struct ws_client *ws;
};

static const char *const names[CLIENT_CLOSED] = { "queued", "ready", "speech_start", "speech_end",
	"partial", "final", "recovered", "error", "done" };

static void say(struct client *c, const char *text)
{
	(void)ws_client_send_text(c->ws, text, strlen(text));
}

static void on_open(void *arg, struct ws_client *ws)
{
	struct client *c = arg;
	char start[200], pool[16] = "en";

	(void)ws;
	if (c->cfg.pool > 0)
		(void)snprintf(pool, sizeof pool, "en%u", c->cfg.pool + 1);
	(void)snprintf(start, sizeof start,
	    "{\"type\":\"start\",\"pool\":\"%s\",\"sample_rate\":%u,\"endpointing\":\"%s\","
	    "\"partials\":%s}",
	    pool, c->cfg.rate_hz, c->cfg.vad ? "vad" : "manual",
	    c->cfg.partials ? "true" : "false");
	say(c, start);
}

/* The server writes compact JSON with type first and utterance second; that saves the generator a parser. */
static enum client_event kind_of(const char *text, size_t n)
{
	static const char head[] = "{\"type\":\"";
	size_t skip = sizeof head - 1;

	if (n <= skip || memcmp(text, head, skip) != 0)
		return CLIENT_ERROR;
	for (int e = 0; e < CLIENT_CLOSED; e++) {
		size_t length = strlen(names[e]);

		if (n > skip + length && memcmp(text + skip, names[e], length) == 0 &&
		    text[skip + length] == '"')
			return (enum client_event)e;
	}
	return CLIENT_ERROR;
}

static uint64_t utterance_of(const char *text, size_t n)
{
	static const char key[] = "\"utterance\":";
	const char *at = memmem(text, n, key, sizeof key - 1);

	return at == NULL ? 0 : strtoull(at + sizeof key - 1, NULL, 10);
}

static void on_message(
    void *arg, struct ws_client *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct client *c = arg;

	(void)ws;
	(void)kind;
	c->cfg.on_event(c->arg, kind_of(bytes, n), utterance_of(bytes, n), bytes, n);
}

static void on_close(void *arg, struct ws_client *ws, unsigned code, const char *why)
{
	struct client *c = arg;

	(void)ws;
	c->ws = NULL;
	c->cfg.on_event(c->arg, CLIENT_CLOSED, code, why, strlen(why));
	free(c);
}

static const struct ws_client_events events = { on_open, on_message, on_close };

struct client *client_new(struct uv_loop_s *loop, const struct client_config *cfg, void *arg)
{
	const struct ws_client_config ws = { .url = cfg->url,
		.timeout_ms = TIMEOUT_MS,
		.max_message_bytes = MESSAGE_MAX_BYTES,
		.send_buffer_bytes = SEND_MAX_BYTES };
	struct client *c = xcalloc(1, sizeof *c);
	struct error err = ERROR_INIT;

	c->cfg = *cfg;
	c->arg = arg;
	c->ws = ws_client_connect(loop, &ws, &events, c, &err);
	if (c->ws != NULL)
		return c;
	(void)fprintf(stderr, "server_load: %s\n", err.text);
	exit(2);
}

void client_audio(struct client *c, const int16_t *samples, size_t n)
{
	(void)ws_client_send_binary(c->ws, samples, n * sizeof *samples);
}

void client_commit(struct client *c)
{
	say(c, "{\"type\":\"commit\"}");
}

void client_stop(struct client *c)
{
	say(c, "{\"type\":\"stop\"}");
}

void client_close(struct client *c)
{
	ws_client_close(c->ws, WS_CLOSE_NORMAL, "");
}
