#include "access/sherpa_voice.h"

#include "access/access_internal.h"
#include "access/voice.h"
#include "access/wire.h"

int sherpa_voice_open(struct voice *v, struct wire *w, const struct sherpa_hearing *how,
    struct error *err, unsigned *retry_after_ms)
{
	struct pool *pool = access_pool_for(w->access, &w->client, wire_listener_pool(w), err);
	struct session_config cfg;

	if (pool == NULL)
		return -1;
	voice_defaults(w->access, &cfg);
	cfg.ear.format.encoding = ENCODING_F32LE;
	if (how->rate_hz != 0)
		cfg.ear.format.rate_hz = how->rate_hz;
	cfg.partials = how->partials;
	cfg.wording = (struct wording){ .uppercase = false }; /* as the reference's */
	if (voice_open(v, w->access, &w->client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	w->session = v->id;
	return 0;
}
