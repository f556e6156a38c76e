#include "access/page.h"

#include <stdio.h>
#include <string.h>

#include "access/page_files.h"
#include "access/route.h"
#include "base/util.h"
#include "net/http.h"

/* The page loads nothing from elsewhere. It may connect anywhere by WebSocket: 'self' does not cover ws: in every browser. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src "      \
	"'self'; "                                                                                 \
	"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct {
	const char *path, *stands_for;
} aliases[] = {
	{ "/", "/index.html" },
	{ "/favicon.ico", "/icon.svg" },
};

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".wav", "audio/wav" },
};

static const struct page_file *find(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(aliases[i].path, path) == 0)
			path = aliases[i].stands_for;
	for (unsigned i = 0; i < page_files_n; i++)
		if (strcmp(page_files[i].path, path) == 0)
			return &page_files[i];
	return NULL;
}

static const char *type_of(const char *path)
{
	const char *ending = strrchr(path, '.');

	for (size_t i = 0; ending != NULL && i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].ending, ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/* The header is a list of quoted tags, weak ones among them, or a star: an own tag stands in it with its quotes. */
static int is_known(const struct page_file *f, const char *if_none_match)
{
	return if_none_match != NULL &&
	    (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, f->etag) != NULL);
}

void page_answer(const char *path, const char *if_none_match, char headers[PAGE_HEADERS_BYTES],
    struct http_answer *out)
{
	const struct page_file *f = find(path);

	*out = (struct http_answer){ .status = 404 };
	if (f == NULL)
		return;
	(void)snprintf(headers, PAGE_HEADERS_BYTES,
	    "ETag: %s\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\nContent-Security-Policy: " POLICY "\r\n",
	    f->etag);
	*out = (struct http_answer){
		.status = 304, .content_type = type_of(f->path), .headers = headers
	};
	if (is_known(f, if_none_match))
		return;
	out->status = 200;
	out->body = f->bytes;
	out->body_bytes = f->bytes_n;
}

void page_get(struct http_exchange *x, unsigned on)
{
	char headers[PAGE_HEADERS_BYTES], message[80];
	struct http_answer a;

	page_answer(http_path(x), http_header(x, "If-None-Match"), headers, &a);
	if (on && a.status != 404) {
		http_respond(x, &a);
		return;
	}
	(void)snprintf(message, sizeof message, "there is nothing at %.40s", http_path(x));
	route_refuse(x, 404, message, 0);
}
