#include "access/voice.h"

#include <string.h>

#include "access/access_internal.h"
#include "base/metric.h"
#include "session/roster.h"

void voice_defaults(const struct access *a, struct session_config *out)
{
	memset(out, 0, sizeof *out);
	out->ear.format = (struct format){ ENCODING_S16LE, EAR_RATE_HZ, 1 };
	out->ear.endpoint = a->cfg.endpoint;
}

static int open_session(struct voice *v, struct pool *pool, const struct session_config *wished,
    struct error *err, unsigned *retry_after_ms)
{
	struct access *a = v->access;
	struct session_config cfg = *wished;

	if (roster_has_room(a->roster, err) < 0)
		return -1;
	cfg.tenant = v->client.tenant;
	cfg.priority = v->client.priority;
	v->session = session_new(pool, a->work, &a->cfg.session, &cfg, err, retry_after_ms);
	return v->session == NULL ? -1 : 0;
}

int voice_open(struct voice *v, struct access *a, const struct client *client, struct pool *pool,
    const struct session_config *cfg, struct error *err, unsigned *retry_after_ms_out)
{
	*retry_after_ms_out = 0;
	v->access = a;
	v->client = *client;
	if (open_session(v, pool, cfg, err, retry_after_ms_out) < 0) {
		metric_add(METRIC_sessions_refused_total, 1);
		return -1;
	}
	v->id = session_id(v->session);
	roster_add(a->roster, v->session);
	client_set_add(&a->clients, &v->client, v->id);
	return 0;
}

void voice_start(struct voice *v, const struct session_events *events, void *arg)
{
	session_start(v->session, events, arg);
}

bool voice_audio(struct voice *v, const void *bytes, size_t n)
{
	return v->session == NULL || session_audio(v->session, bytes, n);
}

void voice_drop(struct voice *v)
{
	if (v->session == NULL)
		return;
	client_set_remove(&v->access->clients, &v->client);
	roster_remove(v->access->roster, v->session);
	session_free(&v->session);
}
