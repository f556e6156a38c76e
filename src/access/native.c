/* The native protocol (docs/protocol.md) over one WebSocket:
 *   WAITING --start--> STREAMING --stop--> STREAMING --done, fatal error--> (wire closes)
 * A client that breaks the protocol is told in one `error` and closed; nothing else notices. */
#include <stdlib.h>
#include <string.h>

#include "access/native_event.h"
#include "access/native_start.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/error.h"
#include "base/log.h"
#include "net/websocket.h"
#include "pool/pool.h"

struct native {
	struct wire wire;
	struct voice voice;
	struct native_context context;
	struct pool *pool; /* lent; once it has begun */
};

static struct native *native_of(struct wire *w)
{
	return (struct native *)(void *)w;
}

static void send_text(struct native *n, char *text)
{
	if (text != NULL)
		wire_send_text(&n->wire, text, strlen(text));
	free(text);
}

static void tell(struct wire *w, const struct error *why, unsigned retry_after_ms)
{
	send_text(native_of(w), native_error_text(why, retry_after_ms));
}

static void warn_of_wishes(struct native *n)
{
	struct error what;

	if (voice_word_passed_over(&n->voice, &what))
		send_text(n, native_warning_text(&what));
}

static void on_event(void *arg, const struct session_event *e)
{
	struct native *n = arg;

	if (e->kind == SESSION_EVENT_ERROR && e->error.fatal) {
		wire_fail(&n->wire, e->error.why, e->error.retry_after_ms);
		return;
	}
	n->context.instance = e->instance;
	n->context.engine = pool_engine(n->pool);
	n->context.model = pool_model(n->pool);
	if (e->kind != SESSION_EVENT_READY && e->kind != SESSION_EVENT_QUEUED)
		warn_of_wishes(n);
	send_text(n, native_event_text(e, &n->context));
	if (e->kind == SESSION_EVENT_READY)
		warn_of_wishes(n);
	if (e->kind == SESSION_EVENT_ENDED)
		wire_close(&n->wire, WS_CLOSE_NORMAL, "done");
}

static const struct session_events session_events = { .on_event = on_event,
	.on_drain = wire_on_drain };

/* The protocol has no word for it. */
static void log_other(const struct native *n, const struct wanted *wanted)
{
	const struct language_pool pool = access_language_pool(n->pool);
	struct error other;

	if (language_word_other(&pool, wanted->language, &other))
		log_info("session %llu: %s", (unsigned long long)n->voice.id, other.text);
}

static struct pool *pool_of(
    const struct native *n, const struct native_start *start, struct error *err)
{
	const struct access *a = n->wire.access;

	if (start->pool[0] != '\0')
		return access_pool_for(a, &n->wire.client, start->pool, err);
	return access_pool_for_language(a, &n->wire.client, start->wanted.language, err);
}

static int open_session(
    struct native *n, const struct native_start *start, struct error *err, unsigned *retry_after_ms)
{
	struct access *a = n->wire.access;
	struct session_config cfg = start->session;
	struct pool *pool = pool_of(n, start, err);

	cfg.wishes = wanted_lend(&start->wanted);
	if (pool == NULL || access_word_translation(pool, &cfg.wishes, err) ||
	    voice_open(&n->voice, a, &n->wire.client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	n->pool = pool;
	n->wire.session = n->context.session = n->voice.id;
	n->context.pool = pool_name(pool);
	n->context.return_adaptation = start->return_adaptation;
	n->wire.begun = true;
	log_other(n, &start->wanted);
	voice_start(&n->voice, &session_events, n);
	return 0;
}

static void init_start(const struct native *n, struct native_start *start)
{
	memset(start, 0, sizeof *start);
	voice_defaults(n->wire.access, &start->session);
	start->session.partials = true;
}

static void on_start(struct native *n, const struct native_start *start)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (open_session(n, start, &err, &retry_after_ms) < 0)
		wire_fail(&n->wire, &err, retry_after_ms);
}

static void refuse_order(struct native *n)
{
	struct error err;

	(void)error_set(&err, ERROR_INVALID, "%s",
	    n->wire.begun ? "start was sent twice; a connection is one session"
			  : "the first message must be start");
	wire_fail(&n->wire, &err, 0);
}

static void take_text(struct native *n, const char *text, size_t bytes, struct native_start *start)
{
	struct wire *w = &n->wire;
	enum native_command command;
	struct error err;

	if (native_parse(text, bytes, &command, start, &err) < 0)
		wire_fail(w, &err, 0);
	else if (w->begun == (command == NATIVE_START))
		refuse_order(n);
	else if (command == NATIVE_START)
		on_start(n, start);
	else if (command == NATIVE_COMMIT)
		voice_commit(&n->voice);
	else
		voice_end(&n->voice);
}

static void on_text(struct wire *w, const char *text, size_t bytes)
{
	struct native *n = native_of(w);
	struct native_start start;

	init_start(n, &start);
	take_text(n, text, bytes, &start);
	wanted_done(&start.wanted);
}

static void on_binary(struct wire *w, const void *bytes, size_t bytes_n)
{
	struct native *n = native_of(w);
	struct error err;

	if (!w->begun) {
		(void)error_set(&err, ERROR_INVALID,
		    "audio came before start; the first message must be {\"type\":\"start\"}");
		wire_fail(w, &err, 0);
	} else if (!voice_audio(&n->voice, bytes, bytes_n)) {
		wire_pause(w);
	}
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&native_of(w)->voice, why);
}

static void on_closing(struct wire *w)
{
	voice_drop(&native_of(w)->voice);
}

static const struct wire_protocol protocol = {
	.name = "native",
	.size = sizeof(struct native),
	.on_text = on_text,
	.on_binary = on_binary,
	.tell = tell,
	.cut = cut,
	.on_closing = on_closing,
};

void native_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
