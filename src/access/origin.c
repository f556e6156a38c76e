#define _GNU_SOURCE
#include "access/origin.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/name_list.h"
#include "base/util.h"

/* A host with its port; both lent. */
struct place {
	const char *text;
	size_t n; /* without a port that goes without saying */
};

static bool is_any(const char *list)
{
	return strcmp(list, "*") == 0;
}

/* Behind "http://" or "https://"; NULL: it is neither. */
static const char *behind_scheme(const char *origin)
{
	if (strncasecmp(origin, "http://", 7) == 0)
		return origin + 7;
	return strncasecmp(origin, "https://", 8) == 0 ? origin + 8 : NULL;
}

static struct place place_of(const char *text, bool by_https)
{
	const char *port = by_https ? ":443" : ":80";
	struct place p = { text, strlen(text) };
	size_t n = strlen(port);

	if (p.n > n && strcmp(text + p.n - n, port) == 0)
		p.n -= n;
	return p;
}

/* A name can be pointed at any address by its owner; these cannot. */
static bool is_address(const struct place *p)
{
	static const char local[] = "localhost";
	size_t n = strcspn(p->text, ":");

	n = n < p->n ? n : p->n;
	if (p->text[0] == '[')
		return true;
	if (n == sizeof local - 1 && strncasecmp(p->text, local, n) == 0)
		return true;
	return n > 0 && strspn(p->text, "0123456789.") >= n;
}

static bool is_own(const struct origin_rules *rules, const char *origin, const char *host)
{
	const char *text = behind_scheme(origin);
	bool by_https = text == origin + 8;
	struct place page, here;

	if (text == NULL || host == NULL)
		return false;
	page = place_of(text, by_https);
	here = place_of(host, by_https);
	if (page.n == 0 || page.n != here.n || strncasecmp(page.text, here.text, page.n) != 0)
		return false;
	return rules->has_keys || rules->is_open || is_address(&here);
}

/* Hosts are the same in capitals. */
static bool is_listed(const char *list, const char *origin)
{
	size_t length = strlen(origin), n;
	const char *one;

	if (is_any(list))
		return true;
	while ((one = name_list_next(&list, &n)) != NULL)
		if (n == length && strncasecmp(one, origin, n) == 0)
			return true;
	return false;
}

enum origin_verdict origin_check(
    const struct origin_rules *rules, const char *origin, const char *host, struct error *err)
{
	bool has_list = rules->allowed != NULL && *rules->allowed != '\0';

	if (origin == NULL)
		return ORIGIN_NONE;
	if (strlen(origin) <= ORIGIN_BYTES_MAX) {
		if (is_own(rules, origin, host))
			return ORIGIN_OWN;
		if (has_list && is_listed(rules->allowed, origin))
			return ORIGIN_LISTED;
		if (!has_list && rules->has_keys)
			return ORIGIN_KEYED;
	}
	(void)error_set(err, ERROR_FORBIDDEN,
	    "pages of %.100s may not use this server; its allowed_origins would have to name them",
	    origin);
	return ORIGIN_REFUSED;
}

/* Behind "chrome-extension://" and its like, which a page of an extension has instead; its host is the extension's id. */
static const char *behind_extension(const char *origin)
{
	static const char *const schemes[] = { "chrome-extension://", "moz-extension://",
		"safari-web-extension://" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(origin, schemes[i], strlen(schemes[i])) == 0)
			return origin + strlen(schemes[i]);
	return NULL;
}

/* "https://a.example:8443" or "moz-extension://0a1b2c3d", without a path. */
static bool is_origin(const char *text, size_t n)
{
	const char *page = behind_scheme(text),
		   *host = page == NULL ? behind_extension(text) : page;
	size_t scheme = host == NULL ? 0 : (size_t)(host - text);

	if (n == 4 && strncmp(text, "null", 4) == 0)
		return true;
	return host != NULL && n > scheme && n <= ORIGIN_BYTES_MAX &&
	    memchr(host, '/', n - scheme) == NULL && memchr(host, '*', n - scheme) == NULL;
}

int origin_check_list(const char *list, struct error *err)
{
	const char *one;
	size_t n;

	if (is_any(list))
		return 0;
	while ((one = name_list_next(&list, &n)) != NULL)
		if (!is_origin(one, n))
			return error_set(err, ERROR_CONFIG,
			    "\"%.*s\" is no origin; allowed are * alone, null, or ones such as "
			    "https://example.org:8443 or chrome-extension://ID, without a path",
			    (int)(n < 80 ? n : 80), one);
	return 0;
}
