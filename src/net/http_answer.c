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

void http_answer_write(struct conn *c, const struct http_answer *a, struct http_answer_style style)
{
	char head[HEAD_BYTES], date[DATE_BYTES];
	const char *type = a->content_type != NULL ? a->content_type : "text/plain; charset=utf-8";
	const char *headers = a->headers != NULL ? a->headers : "";
	bool bodiless = a->status < 200 || a->status == 204 || a->status == 304;
	size_t body_bytes = bodiless || style.no_body ? 0 : a->body_bytes;
	int n;

	format_date(date);
	n = snprintf(head, sizeof head, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: %s\r\n",
	    a->status, http_answer_reason(a->status), date,
	    style.keep_alive ? "keep-alive" : "close");
	if (!bodiless)
		n += snprintf(head + n, sizeof head - (size_t)n,
		    "Content-Type: %.*s\r\nContent-Length: %zu\r\n", TYPE_BYTES_MAX, type,
		    a->body_bytes);
	conn_write(c,
	    (const uv_buf_t[]){
		uv_buf_init(head, (unsigned)n),
		{ .base = (char *)(uintptr_t)headers, .len = strlen(headers) },
		{ .base = (char[]){ "\r\n" }, .len = 2 },
		{ .base = (char *)(uintptr_t)a->body, .len = body_bytes },
	    },
	    4);
}
