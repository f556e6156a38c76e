/* Those who watch the calls: a WebSocket of its own for each, on which nothing is heard and transcripts are told. */
#include <stdlib.h>

#include "access/entries.h"
#include "access/twilio_internal.h"
#include "base/error.h"
#include "base/util.h"
#include "net/http.h"

struct twilio_watcher {
	struct wire wire;
	struct twilio_watcher *prev, *next; /* the hub's */
	char *query;                        /* owned */
};

/* One sees the calls of one's own key; where there are no keys, all. */
static bool may_see(const struct twilio_watcher *w, const struct twilio_call *c)
{
	const struct twilio_who who = twilio_call_who(c);

	return !c->over && (c->access->keys == NULL || w->wire.client.tenant == c->client.tenant) &&
	    twilio_query_wants(w->query, &who);
}

void twilio_watchers_tell(const struct twilio_call *c, const char *text, size_t n)
{
	struct twilio_watcher *next;

	for (struct twilio_watcher *w = twilio_hub_of(c->access)->watchers; w != NULL; w = next) {
		next = w->next;
		if (may_see(w, c))
			wire_send_text(&w->wire, text, n);
	}
}

static struct twilio_watcher *watcher_of(struct wire *w)
{
	return (struct twilio_watcher *)(void *)w;
}

static int read_watch(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	(void)err;
	(void)how;
	watcher_of(w)->query = xstrdup(http_query(x));
	return 0;
}

/* It hears at once of the calls that go on already. */
static void on_watch(struct wire *w)
{
	struct twilio_hub *hub = twilio_hub_of(w->access);
	struct twilio_watcher *watcher = watcher_of(w);

	w->begun = true;
	watcher->next = hub->watchers;
	if (watcher->next != NULL)
		watcher->next->prev = watcher;
	hub->watchers = watcher;
	for (const struct twilio_call *c = hub->calls; c != NULL && !w->closing; c = c->next) {
		const struct twilio_who who = twilio_call_who(c);

		if (may_see(watcher, c))
			wire_send_json(w, twilio_mark(&who, "connected"));
	}
}

static void ignore(struct wire *w, const char *text, size_t n)
{
	(void)w;
	(void)text;
	(void)n;
}

static void ignore_bytes(struct wire *w, const void *bytes, size_t n)
{
	(void)w;
	(void)bytes;
	(void)n;
}

/* A server that leaves waits for calls, not for those who watch none. */
static void look_at_watcher(struct wire *w, uint64_t now_ns)
{
	struct error why;

	(void)now_ns;
	if (!w->access->leaving || twilio_hub_of(w->access)->calls != NULL)
		return;
	access_word_leaving(&why);
	wire_fail(w, &why, 0);
}

static void on_watcher_closing(struct wire *w)
{
	struct twilio_watcher *watcher = watcher_of(w);

	if (watcher->prev != NULL)
		watcher->prev->next = watcher->next;
	else
		twilio_hub_of(w->access)->watchers = watcher->next;
	if (watcher->next != NULL)
		watcher->next->prev = watcher->prev;
	watcher->prev = watcher->next = NULL;
}

static void on_watcher_gone(struct wire *w)
{
	free(watcher_of(w)->query);
}

static const struct wire_protocol watcher_protocol = {
	.name = "twilio transcripts",
	.size = sizeof(struct twilio_watcher),
	.read_request = read_watch,
	.on_open = on_watch,
	.on_text = ignore,
	.on_binary = ignore_bytes,
	.look = look_at_watcher,
	.on_closing = on_watcher_closing,
	.on_gone = on_watcher_gone,
};

void twilio_watch(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &watcher_protocol);
}
