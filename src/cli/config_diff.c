#include "cli/config_diff.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cli/config.h"
#include "cli/config_value.h"

enum { VALUE_BYTES = 160, PLACE_BYTES = 16 + CONFIG_NAME_MAX };

struct diff {
	config_change_f *on_change; /* borrowed */
	void *arg;
};

static bool is_param(const struct config_row *row)
{
	return row->type == CONFIG_PARAM || row->type == CONFIG_PARAMS;
}

static void tell(const struct diff *d, enum config_effect effect, const char *what)
{
	const struct config_change c = { what, effect };

	d->on_change(d->arg, &c);
}

static void tell_value(const struct diff *d, enum config_effect effect, const char *place,
    const char *key, const char *from, const char *to)
{
	char text[PLACE_BYTES + 64 + 2 * VALUE_BYTES + 64];

	(void)snprintf(text, sizeof text, "%s.%.60s was changed from %.*s to %.*s", place, key,
	    VALUE_BYTES, from, VALUE_BYTES, to);
	tell(d, effect, text);
}

static void diff_rows(const struct diff *d, enum config_section section, const char *place,
    const void *from, const void *to)
{
	char was[VALUE_BYTES], is[VALUE_BYTES];

	for (unsigned i = 0; i < config_table_n; i++) {
		const struct config_row *row = &config_table[i];

		if (row->section != section || is_param(row) || config_value_is_same(row, from, to))
			continue;
		config_value_text(row, from, was, sizeof was);
		config_value_text(row, to, is, sizeof is);
		tell_value(d, row->effect, place, row->key, was, is);
	}
}

/* "model", or "param.NAME" where no row has that name. */
static void word_param(char *out, size_t cap, const char *name, size_t n)
{
	for (unsigned i = 0; i < config_table_n; i++) {
		const struct config_row *row = &config_table[i];

		if (row->type == CONFIG_PARAM && strlen(row->key) == n &&
		    strncmp(row->key, name, n) == 0) {
			(void)snprintf(out, cap, "%s", row->key);
			return;
		}
	}
	(void)snprintf(out, cap, "param.%.*s", (int)n, name);
}

/* Those of `a` that `b` has not, or has with another value; each is told once, so `b`'s turn leaves out what both
 * have. */
static void diff_params_of(const struct diff *d, const char *place, const struct config_pool *a,
    const struct config_pool *b, bool added)
{
	char key[64];

	for (unsigned i = 0; i < a->params_n; i++) {
		const char *value = strchr(a->params[i], '=');
		size_t n = (size_t)(value - a->params[i]);
		const char *other;

		word_param(key, sizeof key, a->params[i], n);
		other = config_value_param(b, a->params[i], n);
		if (added && other == NULL)
			tell_value(d, CONFIG_MODEL, place, key, "unset", value + 1);
		else if (!added && (other == NULL || strcmp(other, value + 1) != 0))
			tell_value(d, CONFIG_MODEL, place, key, value + 1,
			    other == NULL ? "unset" : other);
	}
}

static void diff_pool(const struct diff *d, const char *place, const void *from, const void *to)
{
	diff_rows(d, CONFIG_POOL, place, from, to);
	diff_params_of(d, place, from, to, false);
	diff_params_of(d, place, to, from, true);
}

static void diff_listen(const struct diff *d, const char *place, const void *from, const void *to)
{
	diff_rows(d, CONFIG_LISTEN, place, from, to);
}

/* Sections that have names. */
struct named {
	const char *word;
	size_t bytes;             /* of one */
	enum config_effect whole; /* of one that comes or goes */
	void (*diff)(const struct diff *d, const char *place, const void *from, const void *to);
};

static const struct named listens = { "listen", sizeof(struct config_listen), CONFIG_SOCKETS,
	diff_listen };
static const struct named pools = { "pool", sizeof(struct config_pool), CONFIG_RESTART, diff_pool };

/* Each begins with its name. */
_Static_assert(offsetof(struct config_listen, name) == 0 && offsetof(struct config_pool, name) == 0,
    "find_named takes an object for its name");

static const void *find_named(
    const struct named *kind, const void *objects, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++) {
		const char *object = (const char *)objects + i * kind->bytes;

		if (strcmp(object, name) == 0)
			return object;
	}
	return NULL;
}

static void tell_whole(
    const struct diff *d, const struct named *kind, const char *name, const char *what)
{
	char text[PLACE_BYTES + 16];

	(void)snprintf(text, sizeof text, "%s.%s was %s", kind->word, name, what);
	tell(d, kind->whole, text);
}

static void diff_named(const struct diff *d, const struct named *kind, const void *from,
    unsigned from_n, const void *to, unsigned to_n)
{
	char place[PLACE_BYTES];

	for (unsigned i = 0; i < from_n; i++) {
		const char *was = (const char *)from + i * kind->bytes;
		const void *is = find_named(kind, to, to_n, was);

		(void)snprintf(place, sizeof place, "%s.%s", kind->word, was);
		if (is == NULL)
			tell_whole(d, kind, was, "removed");
		else
			kind->diff(d, place, was, is);
	}
	for (unsigned i = 0; i < to_n; i++) {
		const char *is = (const char *)to + i * kind->bytes;

		if (find_named(kind, from, from_n, is) == NULL)
			tell_whole(d, kind, is, "added");
	}
}

void config_diff(
    const struct config *from, const struct config *to, config_change_f *on_change, void *arg)
{
	const struct diff d = { on_change, arg };

	diff_rows(&d, CONFIG_SERVER, "server", from, to);
	diff_named(&d, &listens, from->listens, from->listens_n, to->listens, to->listens_n);
	diff_named(&d, &pools, from->pools, from->pools_n, to->pools, to->pools_n);
	diff_rows(&d, CONFIG_VAD, "vad", from, to);
}

static void adopt_rows(enum config_section section, void *into, const void *from)
{
	for (unsigned i = 0; i < config_table_n; i++) {
		const struct config_row *row = &config_table[i];

		if (row->section == section && !is_param(row) && row->effect < CONFIG_RESTART)
			config_value_copy(row, into, from);
	}
}

void config_adopt(struct config *into, const struct config *from)
{
	adopt_rows(CONFIG_SERVER, into, from);
	into->http.trusted_proxies = from->http.trusted_proxies;
	adopt_rows(CONFIG_VAD, into, from);
	for (unsigned i = 0; i < into->pools_n; i++) {
		const struct config_pool *p =
		    find_named(&pools, from->pools, from->pools_n, into->pools[i].name);

		if (p == NULL)
			continue;
		adopt_rows(CONFIG_POOL, &into->pools[i], p);
		config_value_copy_params(&into->pools[i], p);
	}
}
