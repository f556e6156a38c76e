#include "net/ws_answer.h"

#include <http_parser.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reading {
	struct ws_answer *out;
	bool at_accept; /* the header being read is Sec-WebSocket-Accept */
	size_t line_n;
};

static int on_name(http_parser *p, const char *at, size_t n)
{
	static const char name[] = "Sec-WebSocket-Accept";
	struct reading *r = p->data;

	r->at_accept = n == sizeof name - 1 && strncasecmp(at, name, n) == 0;
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
	struct reading *r = p->data;

	if (r->at_accept)
		(void)snprintf(r->out->accept, sizeof r->out->accept, "%.*s", (int)n, at);
	return 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
	struct reading *r = p->data;

	for (size_t i = 0; i < n && !r->out->is_told; i++) {
		r->out->is_told =
		    at[i] == '\n' || at[i] == '\r' || r->line_n == sizeof r->out->line - 1;
		if (!r->out->is_told)
			r->out->line[r->line_n++] = at[i];
	}
	return 0;
}

static int on_whole(http_parser *p)
{
	struct reading *r = p->data;

	r->out->is_told = true;
	return 0;
}

static const http_parser_settings callbacks = {
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_body = on_body,
	.on_message_complete = on_whole,
};

int ws_answer_read(const uint8_t *bytes, size_t n, struct ws_answer *out)
{
	struct reading r = { .out = out };
	http_parser p;

	memset(out, 0, sizeof *out);
	http_parser_init(&p, HTTP_RESPONSE);
	p.data = &r;
	out->head_bytes = http_parser_execute(&p, &callbacks, (const char *)bytes, n);
	if (HTTP_PARSER_ERRNO(&p) != HPE_OK)
		return -1;
	out->status = p.status_code;
	out->is_upgrade = p.upgrade;
	return 0;
}
