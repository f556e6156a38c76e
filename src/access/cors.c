#include "access/cors.h"

#include <stdio.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/openai.h"
#include "access/origin.h"
#include "access/route.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/http.h"

enum { WISHES_MAX = 512, LINES_BYTES = 1024 };

static bool is_preflight(const struct http_exchange *x)
{
	return strcmp(http_method(x), "OPTIONS") == 0 &&
	    http_header(x, "Access-Control-Request-Method") != NULL;
}

/* What any page can have its browser send without asking, and without harm. */
static bool is_harmless(const struct http_exchange *x)
{
	const char *method = http_method(x);

	return (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) &&
	    http_header(x, "Upgrade") == NULL;
}

static void refuse(struct http_exchange *x, const struct error *why)
{
	if (openai_is_path(http_path(x)))
		openai_refuse(
		    x, why, &(struct openai_refusal){ .status = 403, .code = "forbidden" });
	else
		route_refuse_for(x, 403, why, 0);
}

/* Whoever runs the server cannot see what a browser shows, and browsers show no more than that there was no connection. A page
 * that tries again and again writes no log full. */
static void log_refused(struct access *a, const struct http_exchange *x, const struct error *why)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns - a->origin_told_ns < NS_PER_S) {
		a->origins_untold++;
		return;
	}
	log_info("server: %s %.80s of %s was refused: %s (refused and not told before: %llu)",
	    http_method(x), http_path(x), http_peer(x), why->text,
	    (unsigned long long)a->origins_untold);
	a->origin_told_ns = now_ns;
	a->origins_untold = 0;
}

static void add_headers(struct http_exchange *x)
{
	char lines[LINES_BYTES];

	(void)snprintf(lines, sizeof lines,
	    "Access-Control-Allow-Origin: %.*s\r\n"
	    "Access-Control-Expose-Headers: x-request-id, x-stenopool-incomplete, retry-after, "
	    "dg-request-id\r\n"
	    "Vary: Origin\r\n",
	    ORIGIN_BYTES_MAX, http_header(x, "Origin"));
	http_add_headers(x, lines);
}

/* Whatever headers it wishes to send may be sent: clients' libraries have many of their own, and each is only read here. */
static void answer_preflight(struct http_exchange *x)
{
	const char *wishes = http_header(x, "Access-Control-Request-Headers");
	char lines[LINES_BYTES];

	if (wishes == NULL || strlen(wishes) > WISHES_MAX)
		wishes = "Authorization, Content-Type, X-API-Key, api-key";
	(void)snprintf(lines, sizeof lines,
	    "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
	    "Access-Control-Allow-Headers: %s\r\n"
	    "Access-Control-Max-Age: 600\r\n",
	    wishes);
	http_respond(x, &(struct http_answer){ .status = 204, .headers = lines });
}

/* Without a list, what asks for a key can be read from anywhere; the pages that ask for none cannot. */
static bool may_read(enum origin_verdict verdict, const struct http_exchange *x)
{
	return verdict == ORIGIN_LISTED ||
	    (verdict == ORIGIN_KEYED && openai_is_path(http_path(x)));
}

bool cors_let_in(struct access *a, struct http_exchange *x)
{
	const struct origin_rules rules = {
		.allowed = a->cfg.allowed_origins,
		.has_keys = a->keys != NULL,
		.is_open = a->cfg.is_open,
	};
	struct error err;
	enum origin_verdict verdict =
	    origin_check(&rules, http_header(x, "Origin"), http_header(x, "Host"), &err);

	if (verdict == ORIGIN_REFUSED && !is_harmless(x)) {
		log_refused(a, x, &err);
		refuse(x, &err);
		return false;
	}
	if (!may_read(verdict, x))
		return true;
	add_headers(x);
	if (!is_preflight(x))
		return true;
	answer_preflight(x);
	return false;
}
