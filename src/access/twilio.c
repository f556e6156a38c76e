/* Twilio Media Streams (docs/protocols/twilio.md): a phone call's audio comes over one WebSocket, and nothing may be sent back on
 * it. What is heard goes to watchers, which are WebSockets of their own:
 *
 *   stream (wire, here) --start--> call (twilio_call.c) --events--> watchers (twilio_watch.c) that ask for it and may have it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/entries.h"
#include "access/twilio_internal.h"
#include "access/twilio_signature.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/log.h"
#include "net/http.h"
#include "net/websocket.h"

enum { HOST_BYTES = 256 };

static struct twilio_stream *stream_of(struct wire *w)
{
	return (struct twilio_stream *)(void *)w;
}

static int choose_pool(const struct twilio_stream *s, const struct twilio_message *m,
    struct pool **out, struct error *err)
{
	const char *name = m->start.pool != NULL ? m->start.pool
	    : s->pool[0] != '\0'                 ? s->pool
						 : NULL;

	*out = access_pool_for(s->wire.access, &s->wire.client, name, err);
	return *out == NULL ? -1 : 0;
}

/* One that had no key when it came must bring it now: Twilio can send neither headers nor a query. */
static int check_key(struct twilio_stream *s, const struct twilio_message *m, struct error *err)
{
	const char *key = m->start.key;

	if (!s->wire.unknown)
		return 0;
	if (client_check_secret(s->wire.access->keys, key, &s->wire.client, err) < 0)
		return -1;
	s->wire.unknown = false;
	return 0;
}

static void on_start(struct twilio_stream *s, const struct twilio_message *m)
{
	struct pool *pool;
	struct error err;

	if (s->wire.begun)
		(void)error_set(&err, ERROR_INVALID, "start was sent twice; a stream is one call");
	if (s->wire.begun || check_key(s, m, &err) < 0 || choose_pool(s, m, &pool, &err) < 0) {
		wire_fail(&s->wire, &err, 0);
		return;
	}
	s->wire.begun = true;
	twilio_call_begin(s, m, pool);
}

static void refuse_message(struct twilio_stream *s, const struct error *why)
{
	if (s->call != NULL)
		twilio_call_fail(s->call, why, 0);
	else
		wire_fail(&s->wire, why, 0);
}

static void on_media(struct twilio_stream *s, const struct twilio_message *m)
{
	size_t cap = m->media.payload_bytes / 4 * 3;
	uint8_t *bytes = malloc(cap + 1);
	long n = bytes == NULL
	    ? -1
	    : base64_decode(m->media.payload, m->media.payload_bytes, bytes, cap);
	struct error err;

	if (n >= 0 && s->call != NULL) {
		twilio_call_audio(s->call, m, bytes, (size_t)n);
	} else {
		(void)error_set(&err, ERROR_INVALID, "%s",
		    n < 0 ? "\"media.payload\" is not base64" : "media came before start");
		refuse_message(s, &err);
	}
	free(bytes);
}

static void on_stop(struct twilio_stream *s)
{
	if (s->call != NULL)
		twilio_call_end(s->call);
	else
		wire_close(&s->wire, WS_CLOSE_NORMAL, "done");
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct twilio_stream *s = stream_of(w);
	struct twilio_message m;
	struct error err;

	if (twilio_parse(text, n, &m, &err) < 0)
		refuse_message(s, &err);
	else if (m.kind == TWILIO_START)
		on_start(s, &m);
	else if (m.kind == TWILIO_MEDIA)
		on_media(s, &m);
	else if (m.kind == TWILIO_STOP)
		on_stop(s);
	twilio_message_done(&m);
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct error err;

	(void)bytes;
	(void)n;
	(void)error_set(&err, ERROR_INVALID,
	    "a binary message came; Media Streams are JSON, with the audio in base64");
	refuse_message(stream_of(w), &err);
}

/* What was said until now is still told to those who watch. */
static void on_closing(struct wire *w)
{
	struct twilio_call *c = stream_of(w)->call;

	if (c != NULL)
		twilio_call_leave(c);
}

/* The host that Twilio was given: a proxy may call us by another name, and says then what it was called by itself. */
static const char *host_of(const struct http_exchange *x, char first[HOST_BYTES])
{
	const char *forwarded = http_is_from_proxy(x) ? http_header(x, "X-Forwarded-Host") : NULL;

	if (forwarded == NULL)
		return http_header(x, "Host");
	(void)snprintf(first, HOST_BYTES, "%.*s", (int)strcspn(forwarded, ", "), forwarded);
	return first;
}

static int check_signature(const struct access *a, const struct http_exchange *x, struct error *err)
{
	char host[HOST_BYTES];
	const struct twilio_signed s = { .host = host_of(x, host),
		.target = http_target(x),
		.signature = http_header(x, "X-Twilio-Signature") };

	if (a->twilio_tokens == NULL || twilio_signature_check(a->twilio_tokens, &s, err) == 0)
		return 0;
	log_info("twilio: %s was not let in: %s", http_peer(x), err->text);
	return -1;
}

static int read_request(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	static const char prefix[] = "/twilio/";
	const char *path = http_path(x);

	if (check_signature(w->access, x, err) < 0) {
		how->status = 403;
		return -1;
	}
	if (strncmp(path, prefix, sizeof prefix - 1) == 0)
		(void)snprintf(
		    stream_of(w)->pool, sizeof stream_of(w)->pool, "%s", path + sizeof prefix - 1);
	return 0;
}

static const struct wire_protocol stream_protocol = {
	.name = "twilio",
	.size = sizeof(struct twilio_stream),
	.key_may_come_later = true,
	.read_request = read_request,
	.on_text = on_text,
	.on_binary = on_binary,
	.on_closing = on_closing,
};

void twilio_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &stream_protocol);
}
