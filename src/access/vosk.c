/* Vosk's server protocol: exactly one answer to each binary message, in order, and one to `eof` and to `reset` each.
 * The answer is due when all audio up to the end of its message has been dealt with, so a client that sends faster than is
 * heard is slowed by its own waiting. It is the oldest result that has not been told yet, else what is heard so far.
 *
 *   OPEN --audio, eof, reset--> HEARING --eof--> ENDING --its answer--> (wire closes)
 */
#include <stdlib.h>
#include <string.h>

#include "access/entries.h"
#include "access/protocols.h"
#include "access/voice.h"
#include "access/vosk_text.h"
#include "access/wire.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/websocket.h"

/* WAITING_MAX: answers that wait before nothing more is read, as all of them may become due at one moment, and writing them
 * delays everybody. What had been read by then is taken: OWED_MAX is more than can be. */
enum { DEFAULT_RATE_HZ = 8000, WAITING_MAX = 4000, OWED_MAX = 20000, RESULTS_MAX = 1000 };

/* An answer that is owed. */
enum owed_kind { OWED_AUDIO, OWED_RESET, OWED_EOF };
struct owed {
	enum owed_kind kind;
	uint64_t
	    upto; /* AUDIO: bytes given to the session up to its end; RESET: which one, from 1 */
};

struct vosk {
	struct wire wire;
	struct voice voice;
	struct vosk_config config;
	bool ending;
	bool full;            /* the session takes no more for now */
	uint64_t told_ns;     /* when the client said something last */
	struct buffer owed;   /* of struct owed, oldest first */
	uint64_t heard;       /* of those, dealt with */
	uint64_t resets;      /* asked for */
	uint64_t resets_done; /* carried out, finals included */
	/* Of each reset that is carried out but for a final: the utterance that it waits for, a uint64_t, oldest first. They rise. */
	struct buffer reset_ends;
	uint64_t reset_last;   /* of them the newest there was; 0: there was none */
	uint64_t over;         /* the last utterance that has had its final or has failed */
	struct buffer results; /* of struct vosk_result, oldest first */
	char *partial;         /* owned; of the open utterance; NULL: nothing is heard yet */
};

static struct vosk *vosk_of(struct wire *w)
{
	return (struct vosk *)(void *)w;
}

static void fail_memory(struct vosk *v)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "no memory for what was heard");
	wire_fail(&v->wire, &err, 0);
}

static void set_partial(struct vosk *v, const char *text, size_t n)
{
	free(v->partial);
	v->partial = n == 0 ? NULL : malloc(n + 1);
	if (v->partial == NULL)
		return;
	memcpy(v->partial, text, n);
	v->partial[n] = '\0';
}

static bool next_result(struct vosk *v, struct vosk_result *out)
{
	if (v->results.len == 0)
		return false;
	memcpy(out, buffer_head(&v->results), sizeof *out);
	buffer_consume(&v->results, sizeof *out);
	return true;
}

/* The first result says what of the config makes no difference. */
static void send_result(struct vosk *v, const struct vosk_result *r)
{
	json_t *result = vosk_result_json(r, &v->config);
	struct error what;

	if (voice_word_passed_over(&v->voice, &what))
		result = vosk_warned(result, &what);
	wire_send_json(&v->wire, result);
}

static void answer_audio(struct vosk *v)
{
	struct vosk_result result;

	if (!next_result(v, &result)) {
		wire_send_json(&v->wire, vosk_partial_json(v->partial == NULL ? "" : v->partial));
		return;
	}
	send_result(v, &result);
	vosk_result_done(&result);
}

static void merge(struct vosk_result *all, struct vosk_result *one)
{
	struct session_event final = { .kind = SESSION_EVENT_FINAL };

	final.final.text = one->text;
	final.final.text_bytes = strlen(one->text);
	(void)vosk_result_add(all, &final);
	(void)json_array_extend(all->words, one->words);
	all->incomplete |= one->incomplete;
	vosk_result_done(one);
}

/* All that is left, in one: such a client reads one answer and no more. */
static void answer_rest(struct vosk *v)
{
	struct vosk_result all = { 0 }, one;

	while (next_result(v, &one))
		merge(&all, &one);
	send_result(v, &all);
	vosk_result_done(&all);
}

static bool is_due(const struct vosk *v, const struct owed *o)
{
	switch (o->kind) {
	case OWED_AUDIO:
		return o->upto <= v->heard;
	case OWED_RESET:
		return o->upto <= v->resets_done;
	case OWED_EOF:
		return false; /* the session's end answers it */
	}
	return false;
}

static void read_or_wait(struct vosk *v)
{
	if (v->full || v->owed.len >= WAITING_MAX * sizeof(struct owed))
		wire_pause(&v->wire);
	else
		wire_resume(&v->wire);
}

static void answer_due(struct vosk *v)
{
	struct owed o;

	while (!v->wire.closing && v->owed.len > 0) {
		memcpy(&o, buffer_head(&v->owed), sizeof o);
		if (!is_due(v, &o))
			break;
		buffer_consume(&v->owed, sizeof o);
		if (o.kind == OWED_AUDIO)
			answer_audio(v);
		else
			answer_rest(v);
	}
	read_or_wait(v);
}

static void owe(struct vosk *v, enum owed_kind kind, uint64_t upto)
{
	const struct owed o = { kind, upto };
	struct error err;

	if (buffer_append(&v->owed, &o, sizeof o) == 0) {
		read_or_wait(v);
		return;
	}
	(void)error_set(&err, ERROR_LIMIT,
	    "%d messages wait for their answers; wait for the answer to one before the next",
	    OWED_MAX);
	wire_fail(&v->wire, &err, 0);
}

static void fail_results(struct vosk *v)
{
	struct error err;

	if (v->results.len < v->results.max) {
		fail_memory(v);
		return;
	}
	(void)error_set(&err, ERROR_LIMIT,
	    "%d results wait to be told, one in the answer to each message; send shorter messages",
	    RESULTS_MAX);
	answer_rest(v);
	wire_fail(&v->wire, &err, 0);
}

/* Where nothing was said there is no result. */
static void on_final(struct vosk *v, const struct session_event *e)
{
	struct vosk_result result = { 0 };

	set_partial(v, NULL, 0);
	if (e->final.text_bytes == 0)
		return;
	if (vosk_result_add(&result, e) == 0 &&
	    buffer_append(&v->results, &result, sizeof result) == 0)
		return;
	vosk_result_done(&result);
	fail_results(v);
}

static void settle_resets(struct vosk *v)
{
	uint64_t ends;

	while (v->reset_ends.len > 0) {
		memcpy(&ends, buffer_head(&v->reset_ends), sizeof ends);
		if (ends > v->over)
			break;
		buffer_consume(&v->reset_ends, sizeof ends);
		v->resets_done++;
	}
	answer_due(v);
}

/* A reset that ended nothing still has to wait for the one before it. One may also end an utterance that has failed before
 * it was over, of which nothing comes any more. */
static void on_committed(struct vosk *v, const struct session_event *e)
{
	uint64_t ends = MAX(e->utterance, v->reset_last);

	v->reset_last = ends;
	if (buffer_append(&v->reset_ends, &ends, sizeof ends) < 0)
		fail_memory(v);
	else
		settle_resets(v);
}

static void end_of_utterance(struct vosk *v, uint64_t utterance)
{
	v->over = utterance;
	settle_resets(v);
}

static void on_ended(struct vosk *v)
{
	v->heard = v->voice.given;
	answer_due(v);
	answer_rest(v);
	wire_close(&v->wire, WS_CLOSE_NORMAL, "done");
}

/* What was heard is told even where the audio that it was in is not heard to its end. */
static void on_fatal(struct vosk *v, const struct session_event *e)
{
	if (v->results.len > 0)
		answer_rest(v);
	wire_fail(&v->wire, e->error.why, e->error.retry_after_ms);
}

static void on_error(struct vosk *v, const struct session_event *e)
{
	if (e->error.fatal) {
		on_fatal(v, e);
		return;
	}
	set_partial(v, NULL, 0);
	end_of_utterance(v, e->utterance);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct vosk *v = arg;

	switch (e->kind) {
	case SESSION_EVENT_PARTIAL:
		set_partial(v, e->partial.text, e->partial.text_bytes);
		break;
	case SESSION_EVENT_FINAL:
		on_final(v, e);
		end_of_utterance(v, e->utterance);
		break;
	case SESSION_EVENT_HEARD:
		v->heard = e->heard.bytes;
		answer_due(v);
		break;
	case SESSION_EVENT_COMMITTED:
		on_committed(v, e);
		break;
	case SESSION_EVENT_ERROR:
		on_error(v, e);
		break;
	case SESSION_EVENT_ENDED:
		on_ended(v);
		break;
	default:
		break;
	}
}

static void on_drain(void *arg)
{
	struct vosk *v = arg;

	v->full = false;
	read_or_wait(v);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

/* What a WAV header says goes first (voice.h), then what the client said, then the listener's setting. */
static struct format format_of(const struct vosk *v)
{
	const struct access_listener *l = v->wire.listener;
	struct format f = { ENCODING_S16LE, DEFAULT_RATE_HZ, 1 };

	if (l != NULL && l->sample_rate != 0)
		f.rate_hz = l->sample_rate;
	if (v->config.sample_rate != 0)
		f.rate_hz = v->config.sample_rate;
	return f;
}

static struct pool *pool_of(const struct vosk *v, struct error *err)
{
	const char *names[] = { v->config.pool, wire_listener_pool(&v->wire) };

	return access_pool_among(
	    v->wire.access, &v->wire.client, names, ARRAY_SIZE(names), "", err);
}

static int open_session(struct wire *w, struct error *err, unsigned *retry_after_ms)
{
	struct vosk *v = vosk_of(w);
	struct pool *pool = pool_of(v, err);
	struct session_config cfg;

	if (pool == NULL)
		return -1;
	voice_defaults(w->access, &cfg);
	cfg.ear.format = format_of(v);
	cfg.partials = cfg.wants_heard = true;
	cfg.wording = (struct wording){ .uppercase = false }; /* as the reference's */
	cfg.wishes = wanted_lend(&v->config.wanted);
	if (voice_open(&v->voice, w->access, &w->client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	w->session = v->voice.id;
	voice_start(&v->voice, &session_events, v);
	return 0;
}

static void reconfigure(struct vosk *v)
{
	struct ear_config ear = { .format = format_of(v),
		.endpoint = v->wire.access->cfg.endpoint };
	struct error err;

	if (v->voice.session != NULL && voice_reconfigure(&v->voice, &ear, &err) < 0)
		wire_fail(&v->wire, &err, 0);
}

static void take_config(struct vosk *v, bool other_rate, bool other_phrases)
{
	const struct session_wishes wishes = wanted_lend(&v->config.wanted);
	struct error ignored; /* they are within bounds */

	if (other_phrases)
		(void)voice_wish(&v->voice, &wishes, &ignored);
	if (other_rate)
		reconfigure(v);
}

static void end(struct vosk *v)
{
	if (wire_open_once(&v->wire, open_session) < 0)
		return;
	v->ending = true;
	owe(v, OWED_EOF, 0);
	voice_end(&v->voice);
}

static void reset(struct vosk *v)
{
	if (wire_open_once(&v->wire, open_session) < 0)
		return;
	owe(v, OWED_RESET, ++v->resets);
	voice_commit(&v->voice);
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct vosk *v = vosk_of(w);
	const char *phrases = v->config.wanted.phrases;
	unsigned rate = v->config.sample_rate;
	enum vosk_command command;
	struct error err;

	v->told_ns = clock_now_ns();
	if (v->ending)
		return;
	if (vosk_read(text, n, &command, &v->config, &err) < 0)
		wire_fail(w, &err, 0);
	else if (command == VOSK_EOF)
		end(v);
	else if (command == VOSK_RESET)
		reset(v);
	else
		take_config(v, rate != v->config.sample_rate, phrases != v->config.wanted.phrases);
}

/* A message that had no audio is answered too. */
static void give(struct vosk *v, const void *bytes, size_t n)
{
	if (wire_open_once(&v->wire, open_session) < 0)
		return;
	if (n > 0 && !voice_audio(&v->voice, bytes, n))
		v->full = true;
	if (v->wire.closing)
		return;
	owe(v, OWED_AUDIO, v->voice.given);
	answer_due(v);
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct vosk *v = vosk_of(w);

	v->told_ns = clock_now_ns();
	if (!v->ending)
		give(v, bytes, n);
}

/* Many clients say nothing before there is audio. */
static void on_open(struct wire *w)
{
	struct vosk *v = vosk_of(w);

	w->begun = true;
	v->told_ns = w->opened_ns;
	v->config.words = true;
	buffer_init(&v->owed, OWED_MAX * sizeof(struct owed));
	buffer_init(&v->results, RESULTS_MAX * sizeof(struct vosk_result));
	buffer_init(&v->reset_ends, OWED_MAX * sizeof(uint64_t));
}

static void look(struct wire *w, uint64_t now_ns)
{
	if (w->session == 0)
		wire_look_without_session(w, vosk_of(w)->told_ns, now_ns);
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&vosk_of(w)->voice, why);
}

static void on_closing(struct wire *w)
{
	voice_drop(&vosk_of(w)->voice);
}

static void on_gone(struct wire *w)
{
	struct vosk *v = vosk_of(w);
	struct vosk_result result;

	while (next_result(v, &result))
		vosk_result_done(&result);
	buffer_done(&v->results);
	vosk_config_done(&v->config);
	buffer_done(&v->reset_ends);
	buffer_done(&v->owed);
	free(v->partial);
}

static const struct wire_protocol protocol = {
	.name = "vosk",
	.size = sizeof(struct vosk),
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void vosk_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
