/* A file is a recording like any other: the body of a request, which has come whole and stays where it is until the answer.
 * With multichannel each of its channels is one: they are heard at once where there is room for all, and else one after the other,
 * so that none of them holds a place while it waits for another's. The finals of the sessions are collected, and the answer is
 * given when all have ended, or one has failed in any part. */
#include "access/deepgram_file.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/access_internal.h"
#include "access/deepgram_answer.h"
#include "access/deepgram_event.h"
#include "access/deepgram_query.h"
#include "access/deepgram_refuse.h"
#include "access/digest.h"
#include "access/language.h"
#include "access/recording.h"
#include "access/spool.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http.h"
#include "pool/pool.h"

enum { LINGER_MS = 1000 };

/* One channel, or all of them as one. */
struct part {
	struct file *file;
	struct recording *recording; /* owned; NULL before the start and after the end */
	struct deepgram_answer answer;
	bool heard; /* to its end */
};

struct file {
	struct access_link link;
	struct access *access;
	struct http_exchange *x; /* NULL once it is answered or the client has left */
	struct client client;
	struct deepgram_query query;
	struct wanted wanted; /* owned */
	struct deepgram_about about;
	struct digest *digest; /* owned; NULL: `sha256` is there, or nobody wants it any more */
	char sha256[DEEPGRAM_SHA256_BYTES];
	struct spool
	    *spool; /* owned; what has come of a body that is not kept in memory; NULL: it is */
	void *wav;  /* owned: raw audio, with a header; NULL: the body is a file */
	struct pool *pool; /* lent */
	const void *bytes; /* of the file: in the body, or in `wav` */
	size_t bytes_n;
	struct part parts[DEEPGRAM_CHANNELS_MAX];
	unsigned parts_n;
	uint64_t audio_ms;
	unsigned depth; /* of calls into here; it ends when the last one returns */
	uint64_t ended_ns;
};

static struct file *file_of(struct access_link *l)
{
	return (struct file *)((char *)l - offsetof(struct file, link));
}

static void enter(struct file *f)
{
	f->depth++;
}

/* One that was let in stays in the list for a while after its end: an answer has to be on its way before a server that
 * drains closes the last connections, and a client that leaves does so inside its connection's own call. */
static void leave(struct file *f)
{
	if (--f->depth > 0 || f->x != NULL)
		return;
	digest_free(&f->digest);
	for (unsigned i = 0; i < f->parts_n; i++)
		deepgram_answer_done(&f->parts[i].answer);
	free(f->wav);
	f->wav = NULL;
	spool_free(&f->spool);
	wanted_done(&f->wanted);
	f->ended_ns = clock_now_ns();
	if (f->link.ops == NULL)
		free(f);
}

static void forget(struct file *f)
{
	access_link_remove(f->access, &f->link);
	free(f);
}

static void log_end(const struct file *f, const char *how)
{
	for (unsigned i = 0; i < f->parts_n; i++)
		if (f->parts[i].recording != NULL && recording_session(f->parts[i].recording) > 0)
			log_info("deepgram session %llu: ended: %s",
			    (unsigned long long)recording_session(f->parts[i].recording), how);
}

static void give_back(struct file *f)
{
	for (unsigned i = 0; i < f->parts_n; i++)
		recording_free(&f->parts[i].recording);
}

static void refuse(
    struct file *f, unsigned status, const struct error *why, unsigned retry_after_ms)
{
	struct http_exchange *x = f->x;

	if (x == NULL)
		return;
	log_end(f, why->text);
	f->x = NULL;
	give_back(f);
	deepgram_refuse(x, status, why, retry_after_ms);
}

static void refuse_for_memory(struct file *f, const char *what)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "no memory for %s", what);
	refuse(f, 500, &err, 0);
}

static void answer(struct file *f)
{
	struct http_exchange *x = f->x;
	struct deepgram_answer all[DEEPGRAM_CHANNELS_MAX];
	char headers[DEEPGRAM_HEADERS_BYTES], *text;

	for (unsigned i = 0; i < f->parts_n; i++)
		all[i] = f->parts[i].answer;
	text = deepgram_answer_text(all, f->parts_n, &f->query,
	    f->query.detect_language ? f->about.language : NULL,
	    deepgram_metadata_of(&f->about, f->sha256, f->audio_ms));
	if (text == NULL) {
		refuse_for_memory(f, "the answer");
		return;
	}
	f->x = NULL;
	give_back(f);
	deepgram_write_headers(&f->about, headers);
	http_respond_json_with(x, 200, text, headers);
	free(text);
}

static void answer_if_heard(struct file *f)
{
	for (unsigned i = 0; i < f->parts_n; i++)
		if (!f->parts[i].heard)
			return;
	if (f->x != NULL && f->digest == NULL)
		answer(f);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct part *p = arg;
	struct file *f = p->file;

	enter(f);
	if (e->kind == SESSION_EVENT_FINAL && deepgram_answer_add(&p->answer, &f->about, e) != 0)
		refuse_for_memory(f, "what was heard");
	leave(f);
}

/* Whether another channel gives back what this one could not get. */
static bool may_wait(const struct part *p, const struct error *why)
{
	const struct file *f = p->file;

	if (why->code != ERROR_BUSY && why->code != ERROR_SESSIONS)
		return false;
	for (unsigned i = 0; i < f->parts_n; i++)
		if (&f->parts[i] != p && f->parts[i].recording != NULL)
			return true;
	return false;
}

static void on_failed(
    void *arg, const struct error *why, unsigned retry_after_ms, enum recording_failure kind)
{
	struct part *p = arg;
	struct file *f = p->file;

	enter(f);
	if (recording_session(p->recording) == 0 && may_wait(p, why))
		recording_free(&p->recording);
	else
		refuse(f, kind == RECORDING_BAD_AUDIO ? 400 : 0, why, retry_after_ms);
	leave(f);
}

static void start(struct part *p);

static void start_waiting(struct file *f)
{
	for (unsigned i = 0; i < f->parts_n && f->x != NULL; i++)
		if (!f->parts[i].heard && f->parts[i].recording == NULL)
			start(&f->parts[i]);
}

static void on_done(void *arg, uint64_t audio_ms)
{
	struct part *p = arg;
	struct file *f = p->file;

	enter(f);
	p->heard = true;
	recording_free(&p->recording);
	f->audio_ms = MAX(f->audio_ms, audio_ms);
	start_waiting(f);
	answer_if_heard(f);
	leave(f);
}

static void add_part(struct file *f)
{
	struct part *p = &f->parts[f->parts_n++];

	p->file = f;
	deepgram_answer_init(&p->answer);
}

/* The first one tells how many there are. */
static void on_channels(void *arg, unsigned n)
{
	struct part *p = arg;
	struct file *f = p->file;
	struct error err;

	if (f->parts_n > 1)
		return;
	enter(f);
	if (n > DEEPGRAM_CHANNELS_MAX) {
		(void)error_set(&err, ERROR_INVALID,
		    "multichannel is asked for and the audio has %u channels; allowed is 1 to %d",
		    n, DEEPGRAM_CHANNELS_MAX);
		refuse(f, 400, &err, 0);
	} else {
		f->about.channels = n;
		while (f->parts_n < n)
			add_part(f);
		start_waiting(f);
	}
	leave(f);
}

static void on_read(void *arg, size_t n)
{
	struct file *f = arg;

	if (f->spool != NULL)
		spool_was_read(f->spool, n);
}

static void on_heard(void *arg, size_t n)
{
	const struct part *p = arg;

	on_read(p->file, n);
}

static const struct recording_events recording_events = { .on_event = on_event,
	.on_channels = on_channels,
	.on_failed = on_failed,
	.on_done = on_done,
	.on_read = on_heard };

static void start(struct part *p)
{
	struct file *f = p->file;
	struct recording_wishes wishes = { .bytes = f->bytes,
		.n = f->bytes_n,
		.pool = f->pool,
		.client = &f->client,
		.hearing = wanted_lend(&f->wanted),
		.raw_text = !f->query.formatted,
		.channel = f->query.multichannel ? (unsigned)(p - f->parts) + 1 : 0 };

	p->recording = recording_new(f->access, &wishes, &recording_events, p);
	recording_start(p->recording);
}

static void on_digest(void *arg, const char *hex)
{
	struct file *f = arg;

	enter(f);
	(void)snprintf(f->sha256, sizeof f->sha256, "%s", hex);
	digest_free(&f->digest);
	answer_if_heard(f);
	leave(f);
}

static void look(struct access_link *l, uint64_t now_ns)
{
	struct file *f = file_of(l);

	if (f->x == NULL && now_ns - MIN(now_ns, f->ended_ns) >= LINGER_MS * NS_PER_MS)
		forget(f);
}

static void stop(struct access_link *l, const struct error *why)
{
	struct file *f = file_of(l);

	if (f->x != NULL) {
		enter(f);
		refuse(f, 0, why, f->access->retry_after_ms);
		leave(f);
	}
	forget(f);
}

/* While the server drains, it is the sessions that are told. */
static const struct access_link_ops link_ops = { .look = look, .stop = stop };

/* It may be answered from inside. */
static void hear(struct file *f)
{
	add_part(f);
	start(&f->parts[0]);
	if (f->x != NULL)
		access_link_add(f->access, &f->link, &link_ops);
}

static void begin(struct file *f)
{
	f->bytes = http_body(f->x, &f->bytes_n);
	f->digest = digest_start(f->access->work, f->bytes, f->bytes_n, on_digest, on_read, f);
	if (f->query.raw) {
		f->wav = deepgram_answer_wav(&f->query.format, f->bytes, f->bytes_n, &f->bytes_n);
		f->bytes = f->wav;
	}
	if (f->digest == NULL || (f->query.raw && f->wav == NULL)) {
		refuse_for_memory(f, "the audio");
		return;
	}
	http_set_data(f->x, f);
	hear(f);
}

static int check_kind(const struct http_exchange *x, struct error *err)
{
	const char *type = http_header(x, "Content-Type");

	if (type != NULL && strncasecmp(type, "application/json", 16) == 0)
		return error_set(err, ERROR_INVALID,
		    "this server fetches no audio from a url; send the file itself as the body");
	return 0;
}

/* What can be said of a request before its body. 0, or answers and returns -1. */
static int check(struct access *a, struct http_exchange *x, struct client *client,
    struct deepgram_query *q, struct pool **pool_out)
{
	unsigned status = 0, retry_after_ms = 0;
	struct error err;

	if (client_check(a->keys, x, client, &err) != 0) {
		status = 401;
	} else if (a->leaving) {
		access_word_leaving(&err);
		retry_after_ms = a->retry_after_ms;
		metric_add(METRIC_sessions_refused_total, 1);
	} else if (deepgram_query_read(http_query(x), DEEPGRAM_FILE, q, &err) == 0 &&
	    check_kind(x, &err) == 0) {
		*pool_out = deepgram_pool(a, client, q, &err);
		if (*pool_out != NULL)
			return 0;
	}
	deepgram_refuse(x, status, &err, retry_after_ms);
	return -1;
}

static struct file *file_new(struct access *a, struct http_exchange *x, const struct client *client,
    const struct deepgram_query *query, struct pool *pool)
{
	struct file *f = xcalloc(1, sizeof *f);

	f->access = a;
	f->x = x;
	f->client = *client;
	f->query = *query;
	f->pool = pool;
	deepgram_about_init(&f->about, pool_name(pool), 1);
	f->about.formatted = query->formatted;
	f->about.query = &f->query;
	deepgram_query_wishes(query, &f->wanted);
	deepgram_settle(pool, &f->query, &f->about);
	return f;
}

/* ---- a body that is kept in a file ---- */

static void on_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	struct file *f = arg;
	struct error err;

	if (f->x == NULL)
		return;
	enter(f);
	if (spool_write(f->spool, bytes, n, &err) != 0)
		refuse(f, 500, &err, 0);
	leave(f);
}

static void on_whole(void *arg)
{
	struct file *f = arg;
	size_t head = f->query.raw ? DEEPGRAM_WAV_HEADER_BYTES : 0;
	struct error err;

	enter(f);
	f->bytes = spool_map(f->spool, &f->bytes_n, &err);
	if (f->bytes == NULL) {
		refuse(f, 500, &err, 0);
	} else {
		f->digest = digest_start(f->access->work, (const uint8_t *)f->bytes + head,
		    f->bytes_n - head, on_digest, on_read, f);
		if (f->digest == NULL)
			refuse_for_memory(f, "the audio");
		else
			hear(f);
	}
	leave(f);
}

static void on_lost(void *arg, const char *why)
{
	struct file *f = arg;

	log_end(f, why);
	enter(f);
	f->x = NULL;
	give_back(f);
	leave(f);
}

static const struct http_body_events body_events = {
	.on_bytes = on_bytes, .on_whole = on_whole, .on_lost = on_lost
};

static void receive(struct file *f)
{
	const struct http_body_limit limit = { f->access->cfg.deepgram_max_file_bytes,
		"deepgram_max_file_bytes" };
	uint8_t head[DEEPGRAM_WAV_HEADER_BYTES];
	struct error err;

	f->spool = spool_new(f->access->cfg.spool_dir, &err);
	if (f->spool != NULL && f->query.raw) {
		deepgram_answer_wav_header(&f->query.format, head);
		if (spool_write(f->spool, head, sizeof head, &err) != 0)
			spool_free(&f->spool);
	}
	if (f->spool == NULL)
		refuse(f, 500, &err, 0);
	else
		http_receive(f->x, &limit, &body_events, f);
}

void deepgram_file_header(struct access *a, struct http_exchange *x)
{
	struct deepgram_query query;
	struct client client;
	struct pool *pool;
	struct file *f;

	if (check(a, x, &client, &query, &pool) != 0 || a->cfg.deepgram_max_file_bytes == 0)
		return;
	f = file_new(a, x, &client, &query, pool);
	enter(f);
	receive(f);
	leave(f);
}

void deepgram_file(struct access *a, struct http_exchange *x)
{
	struct deepgram_query query;
	struct client client;
	struct pool *pool;
	struct file *f;

	if (check(a, x, &client, &query, &pool) != 0)
		return;
	f = file_new(a, x, &client, &query, pool);
	enter(f);
	begin(f);
	leave(f);
}

void deepgram_file_abort(struct http_exchange *x)
{
	struct file *f = http_data(x);

	if (f == NULL)
		return;
	log_end(f, "client left before the answer");
	enter(f);
	f->x = NULL;
	give_back(f);
	leave(f);
}

bool deepgram_is_path(const char *target)
{
	size_t n = strcspn(target, "?");

	return n == 10 && memcmp(target, "/v1/listen", n) == 0;
}
