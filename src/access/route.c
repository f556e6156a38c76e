#include "access/route.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "net/http.h"

const char *route_status_word(unsigned status)
{
	switch (status) {
	case 400:
		return "bad_request";
	case 401:
		return "unauthorized";
	case 403:
		return "forbidden";
	case 404:
		return "not_found";
	case 405:
		return "method_not_allowed";
	case 408:
		return "timeout";
	case 413:
	case 431:
		return "limit";
	case 415:
		return "unsupported_media_type";
	case 426:
		return "upgrade_required";
	case 429:
		return "too_many";
	case 503:
		return "busy";
	default:
		return "error";
	}
}

/* A message may quote what a client sent, which need not be UTF-8. */
static char *error_body(const char *code, const char *message, unsigned retry_after_ms)
{
	json_t *error =
	    json_pack("{s:s,s:o}", "code", code, "message", json_text_of(message, strlen(message)));
	json_t *body = json_pack("{s:o}", "error", error);
	char *text;

	if (retry_after_ms > 0)
		(void)json_object_set_new(error, "retry_after_ms", json_integer(retry_after_ms));
	text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

char *route_refusal_text(unsigned status, const char *message)
{
	return error_body(route_status_word(status), message, 0);
}

void route_retry_after(char out[ROUTE_HEADERS_BYTES], unsigned retry_after_ms)
{
	out[0] = '\0';
	if (retry_after_ms > 0)
		(void)snprintf(out, ROUTE_HEADERS_BYTES, "Retry-After: %u\r\n",
		    retry_after_ms / 1000 + (retry_after_ms % 1000 > 0));
}

void route_refusal_headers(char out[ROUTE_HEADERS_BYTES], unsigned status, unsigned retry_after_ms)
{
	if (status == 401)
		(void)snprintf(out, ROUTE_HEADERS_BYTES, "WWW-Authenticate: Bearer\r\n");
	else
		route_retry_after(out, retry_after_ms);
}

/* Takes `body`. */
static void refuse(struct http_exchange *x, unsigned status, char *body, const char *headers)
{
	http_respond_json_with(x, status, body, headers);
	free(body);
}

static void refuse_coded(struct http_exchange *x, unsigned status, const char *code,
    const char *message, unsigned retry_after_ms)
{
	char headers[ROUTE_HEADERS_BYTES];

	route_refusal_headers(headers, status, retry_after_ms);
	refuse(x, status, error_body(code, message, retry_after_ms), headers);
}

void route_refuse(
    struct http_exchange *x, unsigned status, const char *message, unsigned retry_after_ms)
{
	refuse_coded(x, status, route_status_word(status), message, retry_after_ms);
}

void route_refuse_for(
    struct http_exchange *x, unsigned status, const struct error *why, unsigned retry_after_ms)
{
	refuse_coded(x, status, error_code_name(why->code), why->text, retry_after_ms);
}

static bool method_fits(const struct route *row, const char *method)
{
	return strcmp(row->method, method) == 0 ||
	    (strcmp(row->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static bool path_fits(const struct route *row, const char *path)
{
	size_t n = strlen(row->path);

	if (n > 1 && row->path[n - 1] == '/')
		return strncmp(row->path, path, n) == 0;
	return strcmp(row->path, path) == 0;
}

void route_refuse_plain(
    struct http_exchange *x, unsigned status, const char *message, const char *headers)
{
	refuse(x, status, error_body(route_status_word(status), message, 0), headers);
}

static void refuse_method(
    struct http_exchange *x, const struct route *row, route_refuse_f *refuse_with)
{
	char message[200], headers[48];

	(void)snprintf(message, sizeof message, "%s is not allowed for %s; %s is", http_method(x),
	    row->path, row->method);
	(void)snprintf(headers, sizeof headers, "Allow: %s\r\n", row->method);
	refuse_with(x, 405, message, headers);
}

void route_request(const struct route *rows, size_t n, route_refuse_f *refuse_with, void *arg,
    struct http_exchange *x)
{
	const struct route *other = NULL;
	char message[200];

	for (size_t i = 0; i < n; i++) {
		if (!path_fits(&rows[i], http_path(x)))
			continue;
		if (method_fits(&rows[i], http_method(x))) {
			rows[i].handle(arg, x);
			return;
		}
		other = &rows[i];
	}
	if (other != NULL) {
		refuse_method(x, other, refuse_with);
		return;
	}
	(void)snprintf(message, sizeof message, "there is nothing at %.100s", http_path(x));
	refuse_with(x, 404, message, "");
}

void route_abort(const struct route *rows, size_t n, void *arg, struct http_exchange *x)
{
	for (size_t i = 0; i < n; i++)
		if (path_fits(&rows[i], http_path(x)) && method_fits(&rows[i], http_method(x))) {
			if (rows[i].abort != NULL)
				rows[i].abort(arg, x);
			return;
		}
}
