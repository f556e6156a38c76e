/* A file is a recording like any other: the body of a request, which has come whole and stays where it is until the answer.
 * The finals of its session are collected, and the answer is given when it has ended, or has failed in any part. */
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
#include "access/recording.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http.h"
#include "pool/pool.h"

enum { LINGER_MS = 1000 };

struct file {
	struct access_link link;
	struct access *access;
	struct http_exchange *x; /* NULL once it is answered or the client has left */
	struct client client;
	struct deepgram_query query;
	struct deepgram_about about;
	struct digest *digest; /* owned; NULL: `sha256` is there, or nobody wants it any more */
	char sha256[DEEPGRAM_SHA256_BYTES];
	void *wav;                   /* owned: raw audio, with a header; NULL: the body is a file */
	struct recording *recording; /* owned; NULL before the start and after the end */
	struct deepgram_answer answer;
	bool heard; /* to its end; the answer lacks at most the digest */
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
	deepgram_answer_done(&f->answer);
	free(f->wav);
	f->wav = NULL;
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
	uint64_t id = f->recording == NULL ? 0 : recording_session(f->recording);

	if (id > 0)
		log_info("deepgram session %llu: ended: %s", (unsigned long long)id, how);
}

static void refuse(
    struct file *f, unsigned status, const struct error *why, unsigned retry_after_ms)
{
	struct http_exchange *x = f->x;

	if (x == NULL)
		return;
	log_end(f, why->text);
	f->x = NULL;
	recording_free(&f->recording);
	deepgram_refuse(x, status, why, retry_after_ms);
}

static void refuse_for_memory(struct file *f, const char *what)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "no memory for %s", what);
	refuse(f, 500, &err, 0);
}

/* The language is the one that was named, or the pool, which is what a pool is mostly named after. */
static const char *language_of(const struct file *f)
{
	if (!f->query.detect_language)
		return NULL;
	return *f->query.language == '\0' ? f->about.model : f->query.language;
}

static void answer(struct file *f)
{
	struct http_exchange *x = f->x;
	char headers[DEEPGRAM_HEADERS_BYTES], *text;

	text = deepgram_answer_text(&f->answer, 1, &f->query, language_of(f),
	    deepgram_metadata_of(&f->about, f->sha256, f->audio_ms));
	if (text == NULL) {
		refuse_for_memory(f, "the answer");
		return;
	}
	f->x = NULL;
	recording_free(&f->recording);
	deepgram_write_headers(&f->about, headers);
	http_respond(x,
	    &(struct http_answer){ .status = 200,
		.content_type = "application/json",
		.headers = headers,
		.body = text,
		.body_bytes = strlen(text) });
	free(text);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct file *f = arg;

	enter(f);
	if (e->kind == SESSION_EVENT_FINAL && deepgram_answer_add(&f->answer, &f->about, e) != 0)
		refuse_for_memory(f, "what was heard");
	leave(f);
}

static void on_failed(
    void *arg, const struct error *why, unsigned retry_after_ms, enum recording_failure kind)
{
	struct file *f = arg;

	enter(f);
	refuse(f, kind == RECORDING_BAD_AUDIO ? 400 : 0, why, retry_after_ms);
	leave(f);
}

static void on_done(void *arg, uint64_t audio_ms)
{
	struct file *f = arg;

	enter(f);
	f->heard = true;
	f->audio_ms = audio_ms;
	if (f->digest == NULL)
		answer(f);
	leave(f);
}

static void on_digest(void *arg, const char *hex)
{
	struct file *f = arg;

	enter(f);
	(void)snprintf(f->sha256, sizeof f->sha256, "%s", hex);
	digest_free(&f->digest);
	if (f->heard)
		answer(f);
	leave(f);
}

static const struct recording_events recording_events = {
	.on_event = on_event, .on_failed = on_failed, .on_done = on_done
};

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
static void begin(struct file *f, struct pool *pool)
{
	struct recording_wishes wishes = { .pool = pool, .client = &f->client };

	wishes.bytes = http_body(f->x, &wishes.n);
	f->digest = digest_start(f->access->work, wishes.bytes, wishes.n, on_digest, f);
	if (f->query.raw) {
		f->wav = deepgram_answer_wav(&f->query.format, wishes.bytes, wishes.n, &wishes.n);
		wishes.bytes = f->wav;
	}
	if (f->digest == NULL || (f->query.raw && f->wav == NULL)) {
		refuse_for_memory(f, "the audio");
		return;
	}
	http_set_data(f->x, f);
	f->recording = recording_new(f->access, &wishes, &recording_events, f);
	recording_start(f->recording);
	if (f->x != NULL)
		access_link_add(f->access, &f->link, &link_ops);
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

void deepgram_file_header(struct access *a, struct http_exchange *x)
{
	struct deepgram_query query;
	struct client client;
	struct pool *pool;

	(void)check(a, x, &client, &query, &pool);
}

void deepgram_file(struct access *a, struct http_exchange *x)
{
	struct deepgram_query query;
	struct client client;
	struct pool *pool;
	struct file *f;

	if (check(a, x, &client, &query, &pool) != 0)
		return;
	f = xcalloc(1, sizeof *f);
	f->access = a;
	f->x = x;
	f->client = client;
	f->query = query;
	deepgram_answer_init(&f->answer);
	deepgram_about_init(&f->about, pool_name(pool), 1);
	f->about.formatted = query.formatted;
	f->about.query = &f->query;
	enter(f);
	begin(f, pool);
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
	recording_free(&f->recording);
	leave(f);
}

bool deepgram_is_path(const char *target)
{
	size_t n = strcspn(target, "?");

	return n == 10 && memcmp(target, "/v1/listen", n) == 0;
}
