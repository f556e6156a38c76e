/* The end: the server is told to leave, by a signal, by its successor's arrival or by a failure. */
#define _GNU_SOURCE
#include <uv.h>

#include "cli/drain.h"
#include "cli/notify.h"
#include "cli/server_internal.h"
#include "cli/upgrade.h"
#include "net/http.h"
#include "session/roster.h"

static bool is_taken_over(const struct server *s)
{
	return upgrade_state(s->upgrade) == UPGRADE_DONE;
}

/* Where somebody else accepts, or keeps the sockets for whoever comes next, it is not for us to turn clients away. */
void server_drain(struct server *s, const char *who)
{
	if (drain_state(s->drain) == DRAIN_SERVING) {
		upgrade_cancel(s->upgrade);
		(void)uv_timer_stop(&s->handover);
		if (s->inherited.n > 0 && s->inherited.kept)
			http_server_stop_listening(s->http);
		if (!is_taken_over(s))
			notify_send(
			    "STOPPING=1\nSTATUS=draining %u sessions", roster_count(s->roster));
	}
	drain_ask(s->drain, &s->cfg->drain, who);
}
