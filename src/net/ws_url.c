#include "net/ws_url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "net/address.h"

enum { DEFAULT_PORT = 80, DEFAULT_SECURE_PORT = 443 };

/* The colons of "[::1]" lead to none. */
static bool has_port(const char *authority)
{
	const char *colon = strrchr(authority, ':');

	return colon != NULL && strchr(colon, ']') == NULL;
}

int ws_url_parse(const char *text, struct ws_url *out, struct error *err)
{
	const char *from;
	size_t n;

	out->secure = strncasecmp(text, "wss://", 6) == 0;
	if (!out->secure && strncasecmp(text, "ws://", 5) != 0)
		return error_set(
		    err, ERROR_CONFIG, "'%.100s' does not begin with ws:// or wss://", text);
	from = strstr(text, "//") + 2;
	n = strcspn(from, "/?#");
	out->target = from + n;
	if (n == 0 || n >= sizeof out->host || memchr(from, '@', n) != NULL)
		return error_set(
		    err, ERROR_CONFIG, "the host in '%.100s' is not HOST or HOST:PORT", text);
	if (strpbrk(text, "# \t\r\n") != NULL)
		return error_set(err, ERROR_CONFIG, "'%.100s' has a fragment or white space", text);
	memcpy(out->where, from, n);
	out->where[n] = '\0';
	if (!has_port(out->where))
		(void)snprintf(out->where + n, sizeof out->where - n, ":%d",
		    out->secure ? DEFAULT_SECURE_PORT : DEFAULT_PORT);
	return address_split(out->where, out->host, sizeof out->host, &out->port, err);
}
