/* The control port: each request gets one reply, in order. What it is about is the data connection of the same client, or, where
 * there is none yet, what that will begin with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/entries.h"
#include "access/stt_data_text.h"
#include "access/stt_server.h"
#include "access/wire.h"
#include "base/error.h"
#include "net/http.h"
#include "net/websocket.h"

enum { REAL_DIGITS = 16 /* times since 1970 with microseconds */, REPLY_BYTES = 256 };

struct stt_control {
	struct wire wire;
	struct stt_end end;
	struct stt_settings settings;
};

static struct stt_control *control_of(struct wire *w)
{
	return (struct stt_control *)(void *)w;
}

static struct stt_data *data_of(const struct stt_control *c)
{
	return c->end.other == NULL ? NULL : stt_data_of(c->end.other);
}

static void send(struct stt_control *c, json_t *o)
{
	char *text =
	    o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));

	json_decref(o);
	if (text != NULL)
		wire_send_text(&c->wire, text, strlen(text));
	free(text);
}

static void set(struct stt_control *c, const struct stt_request *r)
{
	struct stt_data *d = data_of(c);
	struct error err;

	if (stt_settings_set(&c->settings, r, &err) < 0) {
		send(c, stt_reply_error(r, err.text));
		return;
	}
	if (d != NULL)
		stt_data_set(d, &c->settings);
	send(c, stt_reply_done(r));
}

/* Whose audio it is must be certain: two clients behind one address may have been paired crosswise. */
static void get_audio(struct stt_control *c, const struct stt_request *r)
{
	const struct stt_data *d = data_of(c);
	size_t n = 0;
	const int16_t *samples = d == NULL ? NULL : stt_data_last(d, &n);
	char *text;

	if (!stt_pairs_is_certain(&c->wire.access->stt_pairs, &c->end)) {
		send(c,
		    stt_reply_error(r,
			"Parameter last_transcription_bytes_b64 is not told while other clients "
			"have the same address and key; transcription_start has the audio"));
		return;
	}
	if (!ws_has_room(c->wire.ws, stt_audio_base64_bytes(n) + REPLY_BYTES)) {
		send(c,
		    stt_reply_error(
			r, "the last utterance is too long for a message (send_buffer_bytes)"));
		return;
	}
	text = malloc(stt_audio_base64_bytes(n) + 1);
	if (text == NULL)
		return;
	stt_audio_base64(samples, n, text);
	send(c, stt_reply_value(r, json_string(text)));
	free(text);
}

static void get(struct stt_control *c, const struct stt_request *r)
{
	static const struct stt_facts nothing;
	const struct stt_data *d = data_of(c);

	if (r->parameter == STT_LAST_BYTES)
		send(c,
		    stt_reply_error(r,
			"Parameter last_transcription_bytes cannot be told in JSON; get "
			"last_transcription_bytes_b64"));
	else if (r->parameter == STT_LAST_BYTES_B64)
		get_audio(c, r);
	else
		send(c,
		    stt_reply_value(r,
			stt_request_value(r, d == NULL ? &c->settings : stt_data_settings(d),
			    &c->wire.access->cfg.endpoint,
			    d == NULL ? &nothing : stt_data_facts(d))));
}

/* Sentences come without being asked for, and nobody waits for a wake word: wakeup and text have nothing left to do. There is no
 * microphone of ours either; a client that turns it off has said what it wanted. */
static void act(struct stt_data *d, const struct stt_request *r)
{
	switch (r->method) {
	case STT_ABORT:
		stt_data_drop(d, STT_DROP_ALL);
		break;
	case STT_CLEAR_AUDIO_QUEUE:
		stt_data_drop(d, STT_DROP_WAITING);
		break;
	case STT_STOP:
		stt_data_commit(d);
		break;
	case STT_SET_MICROPHONE:
		if (!stt_request_turns_on(r))
			stt_data_commit(d);
		break;
	default:
		break;
	}
}

static void call(struct stt_control *c, const struct stt_request *r)
{
	struct stt_data *d = data_of(c);

	if (r->method == STT_SHUTDOWN) {
		send(c,
		    stt_reply_error(r,
			"Method shutdown is refused: other clients use this server too, and its "
			"operator stops it"));
		return;
	}
	if (d != NULL)
		act(d, r);
	send(c, stt_reply_done(r));
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct stt_control *c = control_of(w);
	struct stt_request r;
	struct error err;

	if (stt_request_read(text, n, &r, &err) < 0)
		send(c, stt_reply_error(&r, err.text));
	else if (r.kind == STT_SET)
		set(c, &r);
	else if (r.kind == STT_GET)
		get(c, &r);
	else
		call(c, &r);
	stt_request_done(&r);
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	const struct stt_request none = { 0 };

	(void)bytes;
	(void)n;
	send(control_of(w), stt_reply_error(&none, "Invalid JSON command"));
}

static int read_request(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	(void)err;
	(void)how;
	stt_end_set_address(&control_of(w)->end, http_peer(x));
	return 0;
}

/* One that has set nothing yet leaves the data connection as it is. */
static void on_open(struct wire *w)
{
	struct stt_control *c = control_of(w);

	w->begun = true;
	c->end.side = STT_CONTROL;
	c->end.settings = &c->settings;
	c->end.tenant = w->client.tenant;
	stt_pairs_add(&w->access->stt_pairs, &c->end);
}

static void look(struct wire *w, uint64_t now_ns)
{
	struct error err;

	(void)now_ns;
	if (!w->access->leaving || control_of(w)->end.other != NULL)
		return;
	access_word_leaving(&err);
	wire_fail(w, &err, w->access->retry_after_ms);
}

/* Another one that waits for a data connection may take its place. */
static void on_closing(struct wire *w)
{
	struct stt_end *data = stt_pairs_remove(&w->access->stt_pairs, &control_of(w)->end);

	if (data != NULL && data->other != NULL)
		stt_data_set(stt_data_of(data), data->other->settings);
}

static const struct wire_protocol protocol = {
	.name = "stt-control",
	.size = sizeof(struct stt_control),
	.read_request = read_request,
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.look = look,
	.on_closing = on_closing,
};

void stt_control_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
