#include "access/protocols.h"

#include <assert.h>
#include <stddef.h>

#include "access/entries.h"

static const struct {
	void (*request)(struct access *a, struct http_exchange *x);
	void (*tcp)(struct access *a, const struct access_listener *l, struct tcp *t);
} entries[PROTOCOLS] = {
	[PROTOCOL_VOSK] = { .request = vosk_accept },
	[PROTOCOL_WHISPERLIVE] = { .request = whisperlive_accept },
	[PROTOCOL_SHERPA_ONNX] = { .request = sherpa_accept },
	[PROTOCOL_STT_CONTROL] = { .request = stt_control_accept },
	[PROTOCOL_STT_DATA] = { .request = stt_data_accept },
	[PROTOCOL_STT_FASTAPI] = { .request = stt_fastapi_request },
	[PROTOCOL_WYOMING] = { .tcp = wyoming_accept },
};

bool protocols_is_raw(enum protocol p)
{
	return entries[p].tcp != NULL;
}

void protocols_request(struct access *a, const struct access_listener *l, struct http_exchange *x)
{
	assert(entries[l->protocol].request != NULL);
	entries[l->protocol].request(a, x);
}

void protocols_tcp(struct access *a, const struct access_listener *l, struct tcp *t)
{
	assert(entries[l->protocol].tcp != NULL);
	entries[l->protocol].tcp(a, l, t);
}
