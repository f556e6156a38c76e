#include "access/route.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http.h"

static const char *status_word(unsigned status)
{
	switch (status) {
	case 400:
		return "bad_request";
	case 401:
		return "unauthorized";
	case 404:
		return "not_found";
	case 405:
		return "method_not_allowed";
	case 426:
		return "upgrade_required";
	case 503:
		return "busy";
	default:
		return "error";
	}
}

static void refuse(
    struct http_exchange *x, unsigned status, const char *message, const char *headers)
{
	json_t *body =
	    json_pack("{s:{s:s,s:s}}", "error", "code", status_word(status), "message", message);
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	const char *plain = text == NULL ? "{}" : text;
	const struct http_answer a = { .status = status,
		.content_type = "application/json",
		.headers = headers,
		.body = plain,
		.body_bytes = strlen(plain) };

	http_respond(x, &a);
	free(text);
	json_decref(body);
}

void route_refuse(
    struct http_exchange *x, unsigned status, const char *message, unsigned retry_after_ms)
{
	char headers[48] = "";

	if (status == 401)
		(void)snprintf(headers, sizeof headers, "WWW-Authenticate: Bearer\r\n");
	else if (retry_after_ms > 0)
		(void)snprintf(
		    headers, sizeof headers, "Retry-After: %u\r\n", (retry_after_ms + 999) / 1000);
	refuse(x, status, message, headers);
}

static bool method_fits(const struct route *row, const char *method)
{
	return strcmp(row->method, method) == 0 ||
	    (strcmp(row->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void refuse_method(struct http_exchange *x, const struct route *row)
{
	char message[200], headers[48];

	(void)snprintf(message, sizeof message, "%s is not allowed for %s; %s is", http_method(x),
	    row->path, row->method);
	(void)snprintf(headers, sizeof headers, "Allow: %s\r\n", row->method);
	refuse(x, 405, message, headers);
}

void route_request(const struct route *rows, size_t n, void *arg, struct http_exchange *x)
{
	const struct route *other = NULL;
	char message[200];

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].path, http_path(x)) != 0)
			continue;
		if (method_fits(&rows[i], http_method(x))) {
			rows[i].handle(arg, x);
			return;
		}
		other = &rows[i];
	}
	if (other != NULL) {
		refuse_method(x, other);
		return;
	}
	(void)snprintf(message, sizeof message, "there is nothing at %.100s", http_path(x));
	route_refuse(x, 404, message, 0);
}
