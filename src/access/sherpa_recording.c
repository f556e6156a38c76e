#include "access/sherpa_recording.h"

#include <stdlib.h>
#include <string.h>

#include "access/sherpa_event.h"
#include "access/sherpa_voice.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/websocket.h"

/* RATE_*_HZ: what a header may say to be taken for one; which of them are heard the ear says. OLD_MAX: of a length without a rate,
 * half an hour. */
enum {
	HEADER_BYTES = 8,
	OLD_HEADER_BYTES = 4,
	SAMPLE_BYTES = 4,
	RATE_MIN_HZ = 1000,
	RATE_MAX_HZ = 384000,
	OLD_MAX = 30 * 60 * 16000 * SAMPLE_BYTES
};

enum recording_state { WAITING, HEARING, ANSWERING };

struct sherpa_recording {
	struct wire *wire;
	struct voice voice;
	enum recording_state state;
	bool done;      /* no other one comes */
	size_t left;    /* bytes that are still to come of it */
	json_t *answer; /* owned; what is known of it so far */
	uint64_t told_ns;
};

static uint32_t number_at(const uint8_t *b)
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* A length without a rate, in a message of its own: what clients sent before there was a rate in it. */
static bool is_old_header(const void *bytes, size_t n)
{
	uint32_t length = n == OLD_HEADER_BYTES ? number_at(bytes) : 0;

	return length > 0 && length <= OLD_MAX && length % SAMPLE_BYTES == 0;
}

bool sherpa_recording_begins(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	if (n < HEADER_BYTES)
		return is_old_header(bytes, n);
	return number_at(at) >= RATE_MIN_HZ && number_at(at) <= RATE_MAX_HZ &&
	    number_at(at + 4) <= INT32_MAX;
}

struct sherpa_recording *sherpa_recording_new(struct wire *w)
{
	struct sherpa_recording *r = xcalloc(1, sizeof *r);

	r->wire = w;
	r->told_ns = clock_now_ns();
	return r;
}

void sherpa_recording_free(struct sherpa_recording **r)
{
	if (*r != NULL)
		json_decref((*r)->answer);
	free(*r);
	*r = NULL;
}

static void answer(struct sherpa_recording *r)
{
	json_t *said = r->answer;

	r->answer = NULL;
	r->state = WAITING;
	r->told_ns = clock_now_ns();
	r->wire->session = 0; /* the next one has another */
	wire_send_json(r->wire, said);
	if (r->done)
		wire_close(r->wire, WS_CLOSE_NORMAL, "done");
	else
		wire_resume(r->wire);
}

/* What was heard is told, though it may not be all. */
static void on_fatal(struct sherpa_recording *r, const struct session_event *e)
{
	if (json_string_length(json_object_get(r->answer, "text")) > 0)
		wire_send_json(r->wire, json_incref(r->answer));
	wire_fail(r->wire, e->error.why, e->error.retry_after_ms);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct sherpa_recording *r = arg;

	if (e->kind == SESSION_EVENT_FINAL) {
		sherpa_result_add(r->answer, e);
	} else if (e->kind == SESSION_EVENT_ENDED) {
		voice_drop(&r->voice);
		answer(r);
	} else if (e->kind == SESSION_EVENT_ERROR && e->error.fatal) {
		on_fatal(r, e);
	}
}

static void on_drain(void *arg)
{
	struct sherpa_recording *r = arg;

	if (r->state == HEARING)
		wire_resume(r->wire);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

static int open_session(
    struct sherpa_recording *r, unsigned rate_hz, struct error *err, unsigned *retry_after_ms)
{
	const struct sherpa_hearing how = { rate_hz, false };

	if (sherpa_voice_open(&r->voice, r->wire, &how, err, retry_after_ms) < 0)
		return -1;
	voice_start(&r->voice, &session_events, r);
	return 0;
}

static int check_header(const uint8_t *bytes, size_t n, struct error *err)
{
	if (is_old_header(bytes, n))
		return error_set(err, ERROR_INVALID,
		    "a recording begins with its sample rate and its length in bytes, 32 bits "
		    "each; "
		    "the length alone, as older clients send it, is not enough");
	if (!sherpa_recording_begins(bytes, n))
		return error_set(err, ERROR_INVALID,
		    "a recording must begin with its sample rate in Hz and its length "
		    "in bytes, 32 bits each, little-endian");
	if (number_at(bytes + 4) % SAMPLE_BYTES != 0)
		return error_set(err, ERROR_INVALID,
		    "a recording of %u bytes is no whole number of 32-bit float samples",
		    (unsigned)number_at(bytes + 4));
	return 0;
}

static int begin(struct sherpa_recording *r, const uint8_t *bytes, size_t n)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (check_header(bytes, n, &err) < 0 ||
	    open_session(r, number_at(bytes), &err, &retry_after_ms) < 0) {
		wire_fail(r->wire, &err, retry_after_ms);
		return -1;
	}
	r->state = HEARING;
	r->left = number_at(bytes + 4);
	r->answer = sherpa_result();
	return r->wire->closing ? -1 : 0;
}

static void end(struct sherpa_recording *r)
{
	r->state = ANSWERING;
	wire_pause(r->wire);
	voice_end(&r->voice);
}

static void hear(struct sherpa_recording *r, const uint8_t *bytes, size_t n)
{
	struct error err;

	if (n > r->left) {
		(void)error_set(&err, ERROR_INVALID,
		    "%zu bytes came behind the end of a recording, in the same message",
		    n - r->left);
		wire_fail(r->wire, &err, 0);
		return;
	}
	r->left -= n;
	if (n > 0 && !voice_audio(&r->voice, bytes, n))
		wire_pause(r->wire);
	if (r->left == 0 && !r->wire->closing)
		end(r);
}

void sherpa_recording_take(struct sherpa_recording *r, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	r->told_ns = clock_now_ns();
	if (r->done)
		return;
	if (r->state == HEARING)
		hear(r, at, n);
	else if (begin(r, at, n) == 0)
		hear(r, at + HEADER_BYTES, n - HEADER_BYTES);
}

/* What has come of one that is not whole is heard. */
void sherpa_recording_done(struct sherpa_recording *r)
{
	r->done = true;
	if (r->state == WAITING)
		wire_close(r->wire, WS_CLOSE_NORMAL, "done");
	else if (r->state == HEARING)
		end(r);
}

void sherpa_recording_look(const struct sherpa_recording *r, uint64_t now_ns)
{
	if (r->state == WAITING)
		wire_look_without_session(r->wire, r->told_ns, now_ns);
}

void sherpa_recording_drop(struct sherpa_recording *r)
{
	voice_drop(&r->voice);
}
