#include "access/voice.h"

#include <string.h>

#include "access/access_internal.h"
#include "access/wanted.h"
#include "audio/wav.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "pool/pool.h"
#include "session/roster.h"

/* Beyond what is fed: a frame that was not whole before, and what looked like a header. */
enum { WAV_MORE_BYTES = 256 };

void voice_defaults(const struct access *a, struct session_config *out)
{
	memset(out, 0, sizeof *out);
	out->ear.format = (struct format){ ENCODING_S16LE, EAR_RATE_HZ, 1 };
	out->ear.endpoint = a->cfg.endpoint;
	out->wording = wording_tidy;
}

/* Those of a pool are few. */
static unsigned choose_finals(const struct pool_finals *finals, const char *language)
{
	struct language_pool pools[POOL_FINALS_MAX];
	int i;

	for (unsigned k = 0; k < finals->n; k++)
		pools[k] = access_language_pool(finals->pools[k]);
	i = language_choose(language, pools, finals->n);
	return i < 0 ? 0 : (unsigned)i;
}

static int open_session(struct voice *v, struct pool *pool, const struct session_config *wished,
    struct error *err, unsigned *retry_after_ms)
{
	struct access *a = v->access;
	struct session_config cfg = *wished;

	cfg.tenant = v->client.tenant;
	cfg.priority = v->client.priority;
	cfg.finals = pool_finals(pool);
	cfg.choose_finals = choose_finals;
	v->session = session_new(pool, a->work, &a->cfg.session, &cfg, err, retry_after_ms);
	return v->session == NULL ? -1 : 0;
}

/* The key's limits as they are now: its file may have been read again since the client came. */
static void refresh_limits(struct client *c, const struct access *a)
{
	const struct key *key = a->keys == NULL ? NULL : keys_find(a->keys, c->key);

	if (key != NULL)
		client_limit(c, key);
}

static int count(struct voice *v, struct error *err, unsigned *retry_after_ms)
{
	struct client *c = &v->client;

	if (*c->key == '\0')
		return 0;
	if (quota_open(
		v->access->quota, c->tenant, &c->limits, clock_now_ns(), err, retry_after_ms) < 0) {
		metric_add(METRIC_keys_limited_total, 1);
		return -1;
	}
	v->counted = true;
	return 0;
}

static void uncount(struct voice *v)
{
	if (v->counted)
		quota_close(v->access->quota, v->client.tenant, clock_now_ns());
	v->counted = false;
}

static int try_to_open(struct voice *v, struct pool *pool, const struct session_config *cfg,
    struct error *err, unsigned *retry_after_ms)
{
	if (client_check_pool(&v->client, pool_name(pool), err) < 0 ||
	    roster_has_room(v->access->roster, err) < 0 || count(v, err, retry_after_ms) < 0)
		return -1;
	if (open_session(v, pool, cfg, err, retry_after_ms) == 0)
		return 0;
	uncount(v);
	return -1;
}

static void note_wishes(struct voice *v, const struct session_wishes *wishes)
{
	unsigned fresh = wanted_kinds(wishes) & ~v->wished;

	v->wished |= fresh;
	v->unheeded |= fresh;
	v->unlogged |= fresh;
}

/* Takes the kinds out that are passed over. */
static bool word_passed_over(const struct pool *pool, unsigned *kinds, struct error *out)
{
	unsigned over;

	pool = access_pool_of_finals(pool);
	if (*kinds == 0 || !access_is_known(pool))
		return false;
	over = *kinds & ~(unsigned)pool_traits(pool)->takes;
	*kinds = 0;
	return access_word_passed_over(pool, over, out);
}

bool voice_word_passed_over(struct voice *v, struct error *out)
{
	return v->pool != NULL && word_passed_over(v->pool, &v->unheeded, out);
}

static void log_passed_over(struct voice *v)
{
	struct error what;

	if (word_passed_over(v->pool, &v->unlogged, &what))
		log_info("session %llu: %s", (unsigned long long)v->id, what.text);
}

int voice_open(struct voice *v, struct access *a, const struct client *client, struct pool *pool,
    const struct session_config *cfg, struct error *err, unsigned *retry_after_ms_out)
{
	*retry_after_ms_out = 0;
	*v = (struct voice){ .access = a, .client = *client };
	refresh_limits(&v->client, a);
	v->bytes_per_s = format_bytes_per_s(&cfg->ear.format);
	if (try_to_open(v, pool, cfg, err, retry_after_ms_out) < 0) {
		metric_add(METRIC_sessions_refused_total, 1);
		return -1;
	}
	v->ear = cfg->ear;
	v->format = cfg->ear.format;
	v->wav = wav_new_raw(&v->format);
	v->id = session_id(v->session);
	v->pool = pool;
	note_wishes(v, &cfg->wishes);
	log_passed_over(v);
	roster_add(a->roster, v->session);
	client_set_add(&a->clients, &v->client, v->id);
	return 0;
}

static void log_text(const struct voice *v, const struct session_event *e)
{
	log_info("session %llu: heard: %.*s", (unsigned long long)v->id, (int)e->final.text_bytes,
	    e->final.text);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct voice *v = arg;
	struct session_event end = { .kind = SESSION_EVENT_ERROR };
	struct error why; /* a copy, as the voice may be gone before it has been read to its end */

	log_passed_over(v);
	if (e->kind == SESSION_EVENT_FINAL && v->access->cfg.log_text)
		log_text(v, e);
	if (e->kind == SESSION_EVENT_ENDED && v->used_up.code != ERROR_NONE) {
		why = v->used_up;
		end.error.why = &why;
		end.error.retry_after_ms = v->retry_after_ms;
		end.error.fatal = true;
		e = &end;
	}
	v->events->on_event(v->arg, e);
}

static void on_drain(void *arg)
{
	struct voice *v = arg;

	if (v->events->on_drain != NULL)
		v->events->on_drain(v->arg);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

void voice_start(struct voice *v, const struct session_events *events, void *arg)
{
	v->events = events;
	v->arg = arg;
	session_start(v->session, &session_events, v);
}

/* By the whole ms, so that no rest is lost between small pieces. */
static void charge(struct voice *v, size_t n)
{
	uint64_t ms;

	v->bytes += n;
	ms = v->bytes * 1000 / v->bytes_per_s - v->charged_ms;
	v->charged_ms += ms;
	if (!v->counted ||
	    quota_charge(v->access->quota, v->client.tenant, ms, clock_now_ns(), &v->used_up,
		&v->retry_after_ms) == 0)
		return;
	metric_add(METRIC_keys_limited_total, 1);
	log_info("session %llu: hears what has come and ends: %s", (unsigned long long)v->id,
	    v->used_up.text);
}

/* The piece that was too much is heard, as it is counted. */
static bool hear(struct voice *v, const void *bytes, size_t n)
{
	bool more;

	if (v->session == NULL || v->used_up.code != ERROR_NONE)
		return true;
	charge(v, n);
	v->given += n;
	more = session_audio(v->session, bytes, n);
	if (v->session != NULL && v->used_up.code != ERROR_NONE)
		session_end(v->session);
	return more;
}

static int reconfigure(struct voice *v, struct error *err)
{
	struct ear_config cfg = v->ear;

	cfg.format = *wav_format(v->wav);
	if (session_reconfigure(v->session, &cfg, err) < 0)
		return -1;
	v->format = cfg.format;
	v->bytes_per_s = format_bytes_per_s(&v->format);
	v->bytes = v->charged_ms = 0;
	return 0;
}

static bool is_format(const struct format *a, const struct format *b)
{
	return a->encoding == b->encoding && a->rate_hz == b->rate_hz && a->channels == b->channels;
}

/* Behind a header: nothing is ended where it says what is known. */
static int follow_header(struct voice *v, struct error *err)
{
	const struct format *f = wav_format(v->wav);

	return f == NULL || is_format(&v->format, f) ? 0 : reconfigure(v, err);
}

/* Nothing is heard any more. */
static void fail(struct voice *v, const struct error *why)
{
	struct session_event e = { .kind = SESSION_EVENT_ERROR };

	wav_free(&v->wav);
	e.error.why = why;
	e.error.fatal = true;
	on_event(v, &e);
}

/* What was taken out of the bytes. */
static bool hear_taken(struct voice *v, struct buffer *audio, struct error *err)
{
	bool more = true;

	if (follow_header(v, err) < 0)
		fail(v, err);
	else if (audio->len > 0)
		more = hear(v, buffer_head(audio), audio->len);
	buffer_consume(audio, audio->len);
	return more;
}

static bool hear_wav(struct voice *v, const uint8_t *bytes, size_t n)
{
	bool more = true;
	struct buffer audio;
	struct error err;

	buffer_init(&audio, n + WAV_MORE_BYTES);
	for (size_t taken; n > 0 && v->wav != NULL; bytes += taken, n -= taken) {
		if (wav_feed(v->wav, bytes, n, &taken, &audio, &err) != 0) {
			fail(v, &err);
			break;
		}
		more = hear_taken(v, &audio, &err);
	}
	buffer_done(&audio);
	return more;
}

bool voice_audio(struct voice *v, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	bool more = true;
	size_t plain;

	if (v->wav == NULL)
		return true;
	plain = wav_pass(v->wav, bytes, n);
	if (plain > 0 || n == 0)
		more = hear(v, p, plain);
	return n > plain && v->wav != NULL ? hear_wav(v, p + plain, n - plain) : more;
}

/* What looked like the beginning of a header, when it has to be known. */
static void flush(struct voice *v)
{
	struct buffer audio;
	struct error err;

	if (v->wav == NULL)
		return;
	buffer_init(&audio, WAV_MORE_BYTES);
	if (wav_flush(v->wav, &audio, &err) == 0)
		(void)hear_taken(v, &audio, &err);
	buffer_done(&audio);
}

int voice_reconfigure(struct voice *v, const struct ear_config *cfg, struct error *err)
{
	flush(v);
	if (v->wav == NULL)
		return 0;
	v->ear = *cfg;
	if (wav_headers(v->wav) == 0) {
		wav_free(&v->wav);
		v->wav = wav_new_raw(&cfg->format);
	}
	return reconfigure(v, err);
}

int voice_wish(struct voice *v, const struct session_wishes *wishes, struct error *err)
{
	flush(v);
	if (v->session == NULL)
		return 0;
	note_wishes(v, wishes);
	return session_wish(v->session, wishes, err);
}

void voice_set_wording(struct voice *v, const struct wording *wording)
{
	if (v->session != NULL)
		session_set_wording(v->session, wording);
}

void voice_expect_wav(struct voice *v)
{
	wav_free(&v->wav);
	v->wav = wav_new();
}

void voice_commit(struct voice *v)
{
	flush(v);
	if (v->session != NULL)
		session_commit(v->session);
}

void voice_clear(struct voice *v)
{
	flush(v);
	if (v->session != NULL)
		session_clear(v->session);
}

void voice_end(struct voice *v)
{
	struct buffer audio;
	struct error err;

	buffer_init(&audio, WAV_MORE_BYTES);
	if (v->wav != NULL && wav_finish(v->wav, &audio, &err) == 0)
		(void)hear_taken(v, &audio, &err);
	buffer_done(&audio);
	if (v->session != NULL)
		session_end(v->session);
}

void voice_abort(struct voice *v, const struct error *why)
{
	if (v->session != NULL)
		session_abort(v->session, why);
}

bool voice_is_heard_out(enum error_code code)
{
	return code == ERROR_RESTARTING || code == ERROR_QUOTA;
}

void voice_drop(struct voice *v)
{
	if (v->session == NULL)
		return;
	client_set_remove(&v->access->clients, &v->client);
	uncount(v);
	v->pool = NULL;
	roster_remove(v->access->roster, v->session);
	session_free(&v->session);
	wav_free(&v->wav);
}
