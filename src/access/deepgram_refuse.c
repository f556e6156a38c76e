#include "access/deepgram_refuse.h"
#include "access/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/deepgram_event.h"
#include "access/deepgram_query.h"
#include "base/util.h"
#include "net/http.h"

enum { HEADERS_BYTES = 512 };

static const char *code_of(unsigned status)
{
	switch (status) {
	case 401:
		return "INVALID_AUTH";
	case 403:
		return "INSUFFICIENT_PERMISSIONS";
	case 413:
		return "PAYLOAD_TOO_LARGE";
	case 426:
		return "UPGRADE_REQUIRED";
	case 429:
		return "TOO_MANY_REQUESTS";
	case 503:
		return "SERVICE_UNAVAILABLE";
	default:
		return status < 500 ? "BAD_REQUEST" : "INTERNAL_SERVER_ERROR";
	}
}

unsigned deepgram_status_of(enum error_code code)
{
	switch (code) {
	case ERROR_INVALID:
	case ERROR_LIMIT:
		return 400;
	case ERROR_FORBIDDEN:
		return 403;
	case ERROR_SESSIONS:
	case ERROR_QUOTA:
		return 429;
	case ERROR_BUSY:
	case ERROR_OVERLOADED:
	case ERROR_RESTARTING:
	case ERROR_TIMEOUT:
		return 503;
	default:
		return 500;
	}
}

static char *text_of(unsigned status, const struct error *why, const char *request_id)
{
	json_t *body = deepgram_refusal_of(code_of(status), why, request_id);
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);

	json_decref(body);
	return text;
}

/* A sentence may quote what the client sent, which must not end a header or begin one. */
static void write_headers(char out[HEADERS_BYTES], const struct error *why, const char *request_id,
    unsigned retry_after_ms)
{
	char sentence[sizeof why->text], retry[ROUTE_HEADERS_BYTES];

	(void)strcpy(sentence, why->text);
	for (char *c = sentence; *c != '\0'; c++)
		*c = *c >= 0x20 && *c < 0x7f ? *c : '?';
	route_retry_after(retry, retry_after_ms);
	(void)snprintf(out, HEADERS_BYTES, "dg-request-id: %s\r\ndg-error: %s\r\n%s", request_id,
	    sentence, retry);
}

char *deepgram_word_refusal(struct http_exchange *x, unsigned status, const char *sentence)
{
	char request_id[DEEPGRAM_ID_BYTES], headers[HEADERS_BYTES];
	struct error why;

	(void)error_set(&why, ERROR_LIMIT, "%s", sentence);
	deepgram_id_make(request_id);
	write_headers(headers, &why, request_id, 0);
	http_add_headers(x, headers);
	return text_of(status, &why, request_id);
}

void deepgram_refuse(
    struct http_exchange *x, unsigned status, const struct error *why, unsigned retry_after_ms)
{
	char request_id[DEEPGRAM_ID_BYTES], headers[HEADERS_BYTES], *text;

	if (status == 0)
		status = deepgram_status_of(why->code);
	deepgram_id_make(request_id);
	write_headers(headers, why, request_id, retry_after_ms);
	text = text_of(status, why, request_id);
	http_respond_json_with(x, status, text, headers);
	free(text);
}

struct pool *deepgram_pool(const struct access *a, const struct client *c,
    const struct deepgram_query *q, struct error *err)
{
	const char *model = q->model;

	return access_pool_among(a, c, &model, 1, q->language, err);
}

void deepgram_settle(
    const struct pool *pool, struct deepgram_query *q, struct deepgram_about *about)
{
	const struct language_pool languages = access_language_pool(pool);

	deepgram_query_settle(q, pool_traits(access_pool_of_finals(pool))->takes);
	deepgram_about_language(about, &languages, q->language);
}
