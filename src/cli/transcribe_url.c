#define _GNU_SOURCE
#include "cli/transcribe_url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

static const char stream_path[] = "/v1/stream";

static bool has_port(const char *authority, size_t n)
{
	const char *colon = memrchr(authority, ':', n);

	return colon != NULL && memchr(colon, ']', (size_t)(authority + n - colon)) == NULL;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

char *transcribe_url_new(const char *server, struct error *err)
{
	bool secure = begins(server, "wss://") || begins(server, "https://");
	const char *scheme = secure ? "wss://" : "ws://";
	const char *rest = server, *port = "", *path;
	size_t host_n, path_n, size;
	char *url;

	if (secure || begins(server, "ws://") || begins(server, "http://"))
		rest = strstr(server, "//") + 2;
	else if (strstr(server, "://") != NULL)
		goto wrong;
	host_n = strcspn(rest, "/?#");
	path = rest + host_n;
	path_n = strlen(path);
	if (host_n == 0 || strpbrk(rest, "?#@ \t\r\n") != NULL)
		goto wrong;
	if (rest == server && !has_port(rest, host_n))
		port = ":8080";
	while (path_n > 0 && path[path_n - 1] == '/')
		path_n--;
	if (path_n >= strlen(stream_path) &&
	    strncmp(path + path_n - strlen(stream_path), stream_path, strlen(stream_path)) == 0)
		path_n -= strlen(stream_path);
	size = strlen(scheme) + host_n + strlen(port) + path_n + sizeof stream_path;
	url = xcalloc(1, size);
	(void)snprintf(url, size, "%s%.*s%s%.*s%s", scheme, (int)host_n, rest, port, (int)path_n,
	    path, stream_path);
	return url;
wrong:
	(void)error_set(err, ERROR_CONFIG,
	    "--server %.100s is not supported; write ws://HOST:PORT, wss://HOST:PORT, "
	    "http://HOST:PORT, https://HOST:PORT or HOST:PORT",
	    server);
	return NULL;
}
