#include "access/credential.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "net/http.h"
#include "net/query.h"

/* A piece of a header; n 0: nothing. */
struct span {
	const char *at;
	size_t n;
};

static const char insecure[] = "openai-insecure-api-key.";

static bool is_word(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.at, word, s.n) == 0;
}

/* Takes the next item off a comma-separated list. */
static struct span next_item(const char **list)
{
	struct span item;

	*list += strspn(*list, " \t,");
	item = (struct span){ *list, strcspn(*list, " \t,") };
	*list += item.n;
	return item;
}

static bool announces_key(struct span item)
{
	return is_word(item, "token") || is_word(item, "bearer");
}

/* The key in an item that carries one; `before` is the item in front of it. */
static struct span key_in_item(struct span before, struct span item)
{
	size_t n = sizeof insecure - 1;

	if (item.n >= n && strncasecmp(item.at, insecure, n) == 0)
		return (struct span){ item.at + n, item.n - n };
	return announces_key(before) && !announces_key(item) ? item : (struct span){ NULL, 0 };
}

static struct span key_in_protocols(const char *list)
{
	struct span before = { NULL, 0 }, item, key;

	while (list != NULL && (item = next_item(&list)).n > 0) {
		key = key_in_item(before, item);
		if (key.at != NULL)
			return key;
		before = item;
	}
	return (struct span){ NULL, 0 };
}

static struct span trimmed(const char *text)
{
	struct span s = { text + strspn(text, " \t"), 0 };

	s.n = strlen(s.at);
	while (s.n > 0 && strchr(" \t", s.at[s.n - 1]) != NULL)
		s.n--;
	return s;
}

static struct span key_in_authorization(const char *header)
{
	struct span scheme;

	if (header == NULL)
		return (struct span){ NULL, 0 };
	scheme = (struct span){ header, strcspn(header, " \t") };
	if (!announces_key(scheme))
		return (struct span){ NULL, 0 };
	return trimmed(header + scheme.n);
}

static struct span key_in_header(const char *header)
{
	return header == NULL ? (struct span){ NULL, 0 } : trimmed(header);
}

static struct query_span key_in_query(const char *query)
{
	static const char *const names[] = { "api_key", "token", "access_token" };
	struct query_pair pair;

	while (query_next(&query, &pair))
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (pair.has_value && query_is(pair.name, names[i]))
				return pair.value;
	return (struct query_span){ NULL, 0 };
}

static enum credential_found copy(struct span key, char text[CREDENTIAL_BYTES])
{
	if (key.n >= CREDENTIAL_BYTES)
		return CREDENTIAL_BROKEN;
	memcpy(text, key.at, key.n);
	text[key.n] = '\0';
	return CREDENTIAL_FOUND;
}

/* A '+' stays one: it is a character of base64, and no key has a space. */
static enum credential_found decode(struct query_span key, char text[CREDENTIAL_BYTES])
{
	return query_decode(key, QUERY_PLUS_STAYS, text, CREDENTIAL_BYTES) == QUERY_DECODED
	    ? CREDENTIAL_FOUND
	    : CREDENTIAL_BROKEN;
}

enum credential_found credential_find(
    const struct credential_request *r, char text[CREDENTIAL_BYTES])
{
	const struct span keys[] = { key_in_authorization(r->authorization),
		key_in_header(r->x_api_key), key_in_header(r->api_key),
		key_in_protocols(r->protocols) };
	struct query_span in_query = key_in_query(r->query);

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].n > 0)
			return copy(keys[i], text);
	return in_query.n > 0 ? decode(in_query, text) : CREDENTIAL_NONE;
}

enum credential_found credential_of(const struct http_exchange *x, char text[CREDENTIAL_BYTES])
{
	const struct credential_request r = {
		.authorization = http_header(x, "Authorization"),
		.x_api_key = http_header(x, "X-API-Key"),
		.api_key = http_header(x, "api-key"),
		.protocols = http_header(x, "Sec-WebSocket-Protocol"),
		.query = http_query(x),
	};

	return credential_find(&r, text);
}

/* The lower, the better. */
static unsigned rank(struct span item)
{
	static const char *const liked[] = { "realtime", "token", "bearer", "ws" };
	unsigned i = 0;

	while (i < ARRAY_SIZE(liked) && !is_word(item, liked[i]))
		i++;
	return i + 1;
}

const char *credential_subprotocol(const char *protocols, char *out, size_t out_bytes)
{
	struct span before = { NULL, 0 }, item, best = { NULL, 0 };

	while (protocols != NULL && (item = next_item(&protocols)).n > 0) {
		if (key_in_item(before, item).at == NULL &&
		    (best.at == NULL || rank(item) < rank(best)))
			best = item;
		before = item;
	}
	if (best.at == NULL || best.n >= out_bytes)
		return NULL;
	memcpy(out, best.at, best.n);
	out[best.n] = '\0';
	return out;
}
