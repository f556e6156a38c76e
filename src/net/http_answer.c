#include "net/http_answer.h"

#include <http_parser.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/conn.h"
#include "net/http.h"

enum { HEAD_BYTES = 512, DATE_BYTES = 40, TYPE_BYTES_MAX = 200 };

const char *http_answer_reason(unsigned status)
{
	switch (status) {
#define CASE(number, name, words)                                                                  \
	case number:                                                                               \
		return #words;
		HTTP_STATUS_MAP(CASE)
#undef CASE
	default:
		return "Unknown";
	}
}

static void format_date(char out[DATE_BYTES])
{
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(out, DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

bool http_answer_is_bodiless(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

/* The lines that say what the body is and how its end is told. Bytes written. */
static int write_body_lines(
    char *to, size_t room, const struct http_answer *a, enum http_length length)
{
	const char *type = a->content_type != NULL ? a->content_type : "text/plain; charset=utf-8";
	int n = snprintf(to, room, "Content-Type: %.*s\r\n", TYPE_BYTES_MAX, type);

	if (length == HTTP_LENGTH_TOLD)
		n += snprintf(to + n, room - (size_t)n, "Content-Length: %zu\r\n", a->body_bytes);
	else if (length == HTTP_LENGTH_CHUNKED)
		n += snprintf(to + n, room - (size_t)n, "Transfer-Encoding: chunked\r\n");
	return n;
}

void http_answer_write(struct conn *c, const struct http_answer *a, struct http_answer_style style)
{
	char head[HEAD_BYTES], date[DATE_BYTES];
	const char *headers = a->headers != NULL ? a->headers : "";
	const char *more = style.headers != NULL ? style.headers : "";
	bool bodiless = http_answer_is_bodiless(a->status);
	size_t body_bytes = bodiless || style.no_body ? 0 : a->body_bytes;
	int n;

	format_date(date);
	n = snprintf(head, sizeof head, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: %s\r\n",
	    a->status, http_answer_reason(a->status), date,
	    style.keep_alive ? "keep-alive" : "close");
	if (!bodiless)
		n += write_body_lines(head + n, sizeof head - (size_t)n, a, style.length);
	conn_write(c,
	    (const uv_buf_t[]){
		uv_buf_init(head, (unsigned)n),
		{ .base = (char *)(uintptr_t)headers, .len = strlen(headers) },
		{ .base = (char *)(uintptr_t)more, .len = strlen(more) },
		{ .base = (char[]){ "\r\n" }, .len = 2 },
		{ .base = (char *)(uintptr_t)a->body, .len = body_bytes },
	    },
	    5);
}
