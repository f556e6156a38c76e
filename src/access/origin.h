/* origin: which web pages may use the server. A browser tells in Origin which page a request is from; programs send none, and
 * are none of this. It is asked about before anything else, as a page that a person merely looks at can open a WebSocket to
 * whatever server that person's machine reaches, one on localhost included, and no browser asks that server first.
 *
 * Without a list (allowed_origins) a key is what protects, where there are keys; a server that has none lets in pages of its
 * own alone. Its own is a page whose Origin names the host and port that the request was sent to (Host), by http or by https,
 * as a proxy may speak that for us. A name in both can be made to point here by whoever owns it (DNS rebinding), so a server
 * that is open because only this machine reaches it takes an address or localhost for its own, and no other name.
 *
 * Pure. */
#ifndef ACCESS_ORIGIN_H
#define ACCESS_ORIGIN_H

#include <stdbool.h>

struct error;

enum { ORIGIN_BYTES_MAX = 255 };

struct origin_rules {
	const char *
	    allowed; /* "https://a.example, http://b.example:8080", "*", or NULL or "": no list; lent */
	bool has_keys;
	bool is_open; /* whoever reaches it may use it (allow_open) */
};

enum origin_verdict {
	ORIGIN_NONE,    /* no browser's page */
	ORIGIN_OWN,     /* a page of this server */
	ORIGIN_LISTED,  /* of one that is in the list */
	ORIGIN_KEYED,   /* let in because its key is asked for */
	ORIGIN_REFUSED, /* *err says why */
};

/* `origin` and `host` are the request's headers, or NULL. */
enum origin_verdict origin_check(
    const struct origin_rules *rules, const char *origin, const char *host, struct error *err);
/* Whether a list can be one: -1 and a sentence with the part that cannot. */
int origin_check_list(const char *list, struct error *err);

#endif
