/* sherpa-onnx's servers on one port. A client whose first message begins with the header of a recording is one of the offline server's,
 * and sherpa_recording.h's. All others are the streaming server's: 32-bit float audio in, a JSON object for each step of what is heard out. After the text
 * `Done` comes the last object, with is_eof, then the text `Done!`, and the connection is closed. There is nothing that a
 * client could say besides.
 *
 *   OPEN --audio, Done--> HEARING --Done--> ENDING --the session's end--> (wire closes)
 */
#include <stdlib.h>
#include <string.h>

#include "access/binary_text.h"
#include "access/entries.h"
#include "access/protocols.h"
#include "access/sherpa_event.h"
#include "access/sherpa_recording.h"
#include "access/sherpa_voice.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/buffer.h"
#include "base/error.h"
#include "net/websocket.h"

/* A session has no more utterances open than this, by far: its audio waits in a bounded buffer. */
enum { STARTS_MAX = 10000 };

#define DONE       "Done"
#define DONE_REPLY "Done!"

struct sherpa {
	struct wire wire;
	struct sherpa_recording *recording; /* owned; NULL: it streams, or has sent nothing yet */
	bool streams;
	struct voice voice;
	bool ending;
	unsigned segment; /* of the utterance whose final comes next */
	struct buffer
	    starts; /* in ms, a uint64_t for each utterance without a final; the segment's first */
	json_t *held; /* owned; a final that may be the last one; NULL: none */
};

static struct sherpa *sherpa_of(struct wire *w)
{
	return (struct sherpa *)(void *)w;
}

/* Where speech is found faster than it is understood, utterances that come later have begun as well. */
static uint64_t start_ms(const struct sherpa *s)
{
	uint64_t ms = 0;

	if (s->starts.len > 0)
		memcpy(&ms, buffer_head(&s->starts), sizeof ms);
	return ms;
}

static void send_held(struct sherpa *s)
{
	json_t *held = s->held;

	s->held = NULL;
	wire_send_json(&s->wire, held);
}

/* There is a final still to come, so that the one before it is not the last. */
static void tell_partial(struct sherpa *s, const char *text, size_t n)
{
	send_held(s);
	wire_send_json(&s->wire, sherpa_partial(s->segment, start_ms(s), text, n));
}

/* Clients take the last object for their result, so which final is the last one must be known before it is sent. */
static void tell_final(struct sherpa *s, json_t *final)
{
	s->segment++;
	if (s->starts.len > 0)
		buffer_consume(&s->starts, sizeof(uint64_t));
	send_held(s);
	s->held = final;
	if (!s->ending)
		send_held(s);
}

static void on_ended(struct sherpa *s)
{
	if (s->held == NULL)
		s->held = sherpa_nothing(s->segment, start_ms(s));
	sherpa_set_eof(s->held);
	send_held(s);
	wire_send_text(&s->wire, DONE_REPLY, strlen(DONE_REPLY));
	wire_close(&s->wire, WS_CLOSE_NORMAL, "done");
}

/* There is no word for an utterance that failed: it had nothing to say, and the next has the next number. */
static void on_error(struct sherpa *s, const struct session_event *e)
{
	if (!e->error.fatal) {
		tell_final(s, sherpa_nothing(s->segment, start_ms(s)));
		return;
	}
	send_held(s); /* it was heard, though it is not the last of all that was said */
	wire_fail(&s->wire, e->error.why, e->error.retry_after_ms);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct sherpa *s = arg;

	switch (e->kind) {
	case SESSION_EVENT_SPEECH_START:
		(void)buffer_append(&s->starts, &e->at_ms, sizeof e->at_ms);
		break;
	case SESSION_EVENT_PARTIAL:
		tell_partial(s, e->partial.text, e->partial.text_bytes);
		break;
	case SESSION_EVENT_FINAL:
		tell_final(s, sherpa_final(s->segment, e));
		break;
	case SESSION_EVENT_ERROR:
		on_error(s, e);
		break;
	case SESSION_EVENT_ENDED:
		on_ended(s);
		break;
	default:
		break;
	}
}

static const struct session_events session_events = { .on_event = on_event,
	.on_drain = wire_on_drain };

static int open_session(struct wire *w, struct error *err, unsigned *retry_after_ms)
{
	struct sherpa *s = sherpa_of(w);
	const struct access_listener *l = w->listener;
	const struct sherpa_hearing how = { l != NULL ? l->sample_rate : 0, true };

	if (sherpa_voice_open(&s->voice, w, &how, err, retry_after_ms) < 0)
		return -1;
	voice_start(&s->voice, &session_events, s);
	return 0;
}

static void end(struct sherpa *s)
{
	if (wire_open_once(&s->wire, open_session) < 0)
		return;
	s->ending = true;
	voice_end(&s->voice);
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct sherpa *s = sherpa_of(w);

	if (s->ending || !binary_text_is_word(text, n, DONE))
		return;
	if (s->recording != NULL)
		sherpa_recording_done(s->recording);
	else
		end(s);
}

static void hear(struct sherpa *s, const void *bytes, size_t n)
{
	if (wire_open_once(&s->wire, open_session) == 0 && !voice_audio(&s->voice, bytes, n))
		wire_pause(&s->wire);
}

/* The first message shows which server's client it is. */
static void decide(struct sherpa *s, const void *bytes, size_t n)
{
	if (!s->streams && s->recording == NULL && sherpa_recording_begins(bytes, n))
		s->recording = sherpa_recording_new(&s->wire);
	s->streams = s->recording == NULL;
}

/* As a sample the word would be 7e22, which nobody sends. */
static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct sherpa *s = sherpa_of(w);

	if (s->ending || n == 0)
		return;
	if (binary_text_is_word(bytes, n, DONE)) {
		on_text(w, bytes, n);
		return;
	}
	decide(s, bytes, n);
	if (s->recording != NULL)
		sherpa_recording_take(s->recording, bytes, n);
	else
		hear(s, bytes, n);
}

/* There is no start that could be late. */
static void on_open(struct wire *w)
{
	w->begun = true;
	buffer_init(&sherpa_of(w)->starts, STARTS_MAX * sizeof(uint64_t));
}

static void look(struct wire *w, uint64_t now_ns)
{
	const struct sherpa *s = sherpa_of(w);

	if (s->recording != NULL)
		sherpa_recording_look(s->recording, now_ns);
	else if (w->session == 0)
		wire_look_without_session(w, w->opened_ns, now_ns);
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&sherpa_of(w)->voice, why);
}

static void on_closing(struct wire *w)
{
	struct sherpa *s = sherpa_of(w);

	voice_drop(&s->voice);
	if (s->recording != NULL)
		sherpa_recording_drop(s->recording);
}

static void on_gone(struct wire *w)
{
	sherpa_recording_free(&sherpa_of(w)->recording);
	json_decref(sherpa_of(w)->held);
	buffer_done(&sherpa_of(w)->starts);
}

static const struct wire_protocol protocol = {
	.name = "sherpa-onnx",
	.size = sizeof(struct sherpa),
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void sherpa_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
