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

char *transcribe_url_new(const char *server, struct error *err)
{
	const char *rest = server, *port = "", *path;
	size_t host_n, path_n, size;
	char *url;

	if (strncmp(server, "ws://", 5) == 0 || strncmp(server, "http://", 7) == 0)
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
	size = strlen("ws://") + host_n + strlen(port) + path_n + sizeof stream_path;
	url = xcalloc(1, size);
	(void)snprintf(url, size, "ws://%.*s%s%.*s%s", (int)host_n, rest, port, (int)path_n, path,
	    stream_path);
	return url;
wrong:
	(void)error_set(err, ERROR_CONFIG,
	    "--server %.100s is not supported; write ws://HOST:PORT, http://HOST:PORT or HOST:PORT",
	    server);
	return NULL;
}
