/* No ETag is kept with an unfinished file: the sum of the whole says whether what came later belongs to it. Where it does not, all
 * of it is fetched once more, from its beginning. */
#include "pull/pull_url.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/error.h"
#include "base/util.h"
#include "pull/sink.h"

enum { REDIRECTS_MAX = 8, CUTS_MAX = 100, STALL_BYTES_PER_SECOND = 100 };

struct fetch {
	CURL *curl;         /* owned */
	struct sink *sink;  /* borrowed */
	uint64_t from;      /* what the sink had before */
	uint64_t starts_at; /* what a Content-Range says */
	bool has_begun;     /* the first bytes of the answer were looked at */
	struct error *err;  /* why the sink took no more */
	bool refused;
	char words[CURL_ERROR_SIZE];
};

static long status_of(const struct fetch *f)
{
	long status = 0;

	(void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* "Content-Range: bytes 100-199/200" */
static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
	static const char name[] = "content-range: bytes ";
	struct fetch *f = arg;
	char text[64];

	if (n > strlen(name) && strncasecmp(line, name, strlen(name)) == 0) {
		(void)snprintf(
		    text, sizeof text, "%.*s", (int)MIN(n - strlen(name), 63), line + strlen(name));
		f->starts_at =
		    isdigit((unsigned char)text[0]) ? strtoull(text, NULL, 10) : UINT64_MAX;
	}
	return n * one;
}

/* The server may not care for ranges and begin at the beginning. */
static int begin(struct fetch *f)
{
	f->has_begun = true;
	if (f->from == 0)
		return 0;
	if (status_of(f) != 206)
		return sink_restart(f->sink, f->err);
	if (f->starts_at == f->from)
		return 0;
	return error_set(
	    f->err, ERROR_PEER, "the server sent another part of it than it was asked for");
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct fetch *f = arg;

	if ((!f->has_begun && begin(f) < 0) || sink_write(f->sink, bytes, n, f->err) < 0) {
		f->refused = true;
		return n > 0 ? 0 : 1;
	}
	return n * one;
}

static void set_options(struct fetch *f, const char *url, const struct pull_url_config *cfg)
{
	const char *protocols = strncasecmp(url, "http:", 5) == 0 ? "http,https" : "https";
	CURL *c = f->curl;

	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
	(void)curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)cfg->connect_timeout_ms);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)cfg->stall_timeout_s);
	(void)curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	(void)curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)sink_total(f->sink));
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "stenopool/" STENOPOOL_VERSION);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->words);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
}

enum outcome { FETCH_ALL, FETCH_CUT, FETCH_BEYOND, FETCH_FAILED };

static enum outcome judge(struct fetch *f, CURLcode code, struct error *err)
{
	if (f->refused)
		return FETCH_FAILED;
	if (code == CURLE_OK)
		return FETCH_ALL;
	if (code == CURLE_HTTP_RETURNED_ERROR) {
		(void)error_set(
		    err, ERROR_PEER, "the server answers with status %ld", status_of(f));
		return status_of(f) == 416 && f->from > 0 ? FETCH_BEYOND : FETCH_FAILED;
	}
	if (code == CURLE_FILESIZE_EXCEEDED) {
		(void)error_set(err, ERROR_CONFIG,
		    "the server has another file: it is longer than the model's %" PRIu64 " bytes",
		    sink_total(f->sink));
		return FETCH_FAILED;
	}
	(void)error_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_PEER,
	    "%.200s", f->words[0] != '\0' ? f->words : curl_easy_strerror(code));
	return f->has_begun && code != CURLE_OPERATION_TIMEDOUT ? FETCH_CUT : FETCH_FAILED;
}

/* One request for what the sink does not have yet. */
static enum outcome fetch(
    const char *url, struct sink *sink, const struct pull_url_config *cfg, struct error *err)
{
	struct fetch f = {
		.curl = curl_easy_init(), .sink = sink, .from = sink_done(sink), .err = err
	};
	enum outcome o;
	char range[32];

	if (f.curl == NULL) {
		(void)error_set(err, ERROR_SYSTEM, "libcurl cannot be used");
		return FETCH_FAILED;
	}
	set_options(&f, url, cfg);
	(void)snprintf(range, sizeof range, "%" PRIu64 "-", f.from);
	if (f.from > 0)
		(void)curl_easy_setopt(f.curl, CURLOPT_RANGE, range);
	o = judge(&f, curl_easy_perform(f.curl), err);
	curl_easy_cleanup(f.curl);
	return o;
}

static void tell_cut(
    const struct sink *sink, const struct pull_url_config *cfg, const struct error *err)
{
	char line[sizeof err->text + 80];

	(void)snprintf(line, sizeof line,
	    "the connection was cut at byte %" PRIu64 " (%s); going on from there", sink_done(sink),
	    err->text);
	cfg->say(cfg->arg, line);
}

/* Until the server has said that this was all. A cut that brought nothing is the last. */
static int fetch_rest(
    const char *url, struct sink *sink, const struct pull_url_config *cfg, struct error *err)
{
	for (unsigned cuts = 0; cuts < CUTS_MAX; cuts++) {
		uint64_t had = sink_done(sink);

		switch (fetch(url, sink, cfg, err)) {
		case FETCH_ALL:
			return 0;
		case FETCH_BEYOND:
			if (sink_restart(sink, err) < 0)
				return -1;
			break;
		case FETCH_CUT:
			if (sink_done(sink) == had)
				return -1;
			tell_cut(sink, cfg, err);
			break;
		case FETCH_FAILED:
			return -1;
		}
	}
	return -1;
}

/* All there is, if that is the model. What ended where the server said it would, and is none, is of no use later. */
static int fetch_whole(
    const char *url, struct sink *sink, const struct pull_url_config *cfg, struct error *err)
{
	struct error ignored;

	if (fetch_rest(url, sink, cfg, err) < 0)
		return -1;
	if (sink_finish(sink, err) == 0)
		return 0;
	(void)sink_restart(sink, &ignored);
	return -1;
}

int pull_url(
    const char *url, struct sink *sink, const struct pull_url_config *cfg, struct error *err)
{
	bool is_resumed;

	if (sink_finish(sink, err) == 0) /* it was there but for its name */
		return 0;
	is_resumed = sink_done(sink) > 0;
	if (fetch_whole(url, sink, cfg, err) == 0)
		return 0;
	if (!is_resumed || sink_done(sink) > 0 || err->code != ERROR_CONFIG)
		return -1;
	cfg->say(cfg->arg,
	    "what was there from an earlier time did not belong to it; fetching all of it");
	return fetch_whole(url, sink, cfg, err);
}
