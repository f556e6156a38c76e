#include "cli/config.h"

#include <stdlib.h>
#include <string.h>

#include "access/origin.h"
#include "base/error.h"
#include "base/util.h"
#include "cli/config_file.h"
#include "cli/config_finals.h"
#include "cli/config_place.h"
#include "cli/config_table.h"
#include "cli/config_value.h"
#include "net/address.h"

static struct config *config_new(void)
{
	struct config *c = xcalloc(1, sizeof *c);

	config_value_defaults(CONFIG_SERVER, c);
	config_value_defaults(CONFIG_VAD, c);
	return c;
}

static void pool_done(struct config_pool *p)
{
	config_value_done(CONFIG_POOL, p);
	for (unsigned i = 0; i < p->params_n; i++)
		free(p->params[i]);
}

static void drop_listens(struct config *c)
{
	for (unsigned i = 0; i < c->listens_n; i++)
		config_value_done(CONFIG_LISTEN, &c->listens[i]);
	memset(c->listens, 0, sizeof c->listens);
	c->listens_n = 0;
}

void config_free(struct config **c)
{
	if (*c == NULL)
		return;
	drop_listens(*c);
	for (unsigned i = 0; i < (*c)->pools_n; i++)
		pool_done(&(*c)->pools[i]);
	config_value_done(CONFIG_SERVER, *c);
	free((*c)->file);
	free(*c);
	*c = NULL;
}

int config_read(struct config **out, FILE *from, const char *name, struct error *err)
{
	struct config *c = config_new();

	if (config_file_read(c, from, name, err) != 0) {
		config_free(&c);
		return -1;
	}
	c->file = xstrdup(name);
	c->listens_named = c->listens_n > 0;
	c->pools_named = c->pools_n > 0;
	*out = c;
	return 0;
}

int config_load(struct config **out, const char *path, struct error *err)
{
	FILE *from;
	int rc;

	if (path == NULL) {
		*out = config_new();
		return 0;
	}
	from = fopen(path, "re");
	if (from == NULL)
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", path);
	rc = config_read(out, from, path, err);
	(void)fclose(from);
	return rc;
}

/* An assignment taken apart in place: "pool.en.max=8". */
struct assignment {
	char *kind, *name, *key, *value; /* name is "" for a section without one */
};

static int split(char *text, struct assignment *out, struct error *err)
{
	char *equals = strchr(text, '=');
	char *dot = strchr(text, '.');
	bool named;

	if (equals == NULL || dot == NULL || dot > equals)
		return error_set(err, ERROR_CONFIG,
		    "%.60s is not a setting; write SECTION.KEY=VALUE, such as pool.en.max=8 or "
		    "server.max_sessions=10",
		    text);
	*equals = *dot = '\0';
	*out = (struct assignment){ text, equals, dot + 1, equals + 1 };
	named = strcmp(text, "pool") == 0 || strcmp(text, "listen") == 0;
	dot = strchr(out->key, '.');
	if (named && dot == NULL)
		return error_set(err, ERROR_CONFIG, "%s.%.40s has no key; write %s.NAME.KEY=VALUE",
		    text, out->key, text);
	if (named) {
		*dot = '\0';
		out->name = out->key;
		out->key = dot + 1;
	}
	return 0;
}

/* Makes no section beside those that the file names. */
static int check_known(const struct config *c, const struct assignment *a, struct error *err)
{
	char names[128] = "";
	size_t used = 0;
	bool pool = strcmp(a->kind, "pool") == 0;
	unsigned n = pool ? c->pools_n : c->listens_n;

	if (!(pool ? c->pools_named : strcmp(a->kind, "listen") == 0 && c->listens_named))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		const char *name = pool ? c->pools[i].name : c->listens[i].name;

		if (strcmp(name, a->name) == 0)
			return 0;
		if (used < sizeof names)
			used += (size_t)snprintf(
			    names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", name);
	}
	return error_set(err, ERROR_CONFIG, "%s.%.40s: the file names no such %s; it names %s",
	    a->kind, a->name, a->kind, names);
}

static int assign(struct config *c, const struct assignment *a, struct error *err)
{
	const struct config_row *row;
	struct config_place place;

	if (check_known(c, a, err) != 0 || config_place_open(c, a->kind, a->name, &place, err) != 0)
		return -1;
	row = config_table_find(place.section, a->key, err);
	if (row == NULL || config_value_apply(row, place.object, a->key, a->value, err) != 0)
		return error_prefix(
		    err, "%s%s%s.%.60s", a->kind, *a->name != '\0' ? "." : "", a->name, a->key);
	config_finals_note(row, place.object, 0);
	return 0;
}

int config_set(struct config *c, const char *assignment, struct error *err)
{
	char *copy = xstrdup(assignment);
	struct assignment a = { NULL, NULL, NULL, NULL };
	int rc = split(copy, &a, err);

	if (rc == 0)
		rc = assign(c, &a, err);
	free(copy);
	return rc;
}

static int apply_listen(
    struct config_place *place, const char *key, const char *value, struct error *err)
{
	const struct config_row *row = config_table_find(CONFIG_LISTEN, key, err);

	return row == NULL ? -1 : config_value_apply(row, place->object, key, value, err);
}

int config_listen_only(struct config *c, const char *address, struct error *err)
{
	const char *equals = strchr(address, '=');
	struct config_place place;
	char name[CONFIG_NAME_MAX], protocol[CONFIG_NAME_MAX];

	if (!c->listen_only)
		drop_listens(c);
	c->listen_only = true;
	(void)snprintf(name, sizeof name, "listen%u", c->listens_n + 1);
	if (config_place_open(c, "listen", name, &place, err) != 0)
		return -1;
	if (equals == NULL)
		return apply_listen(&place, "address", address, err);
	(void)snprintf(protocol, sizeof protocol, "%.*s", (int)(equals - address), address);
	if (apply_listen(&place, "protocol", protocol, err) != 0)
		return error_prefix(err, "--listen %.60s", address);
	return apply_listen(&place, "address", equals + 1, err);
}

static int check_pool(const struct config_pool *p, struct error *err)
{
	if (p->pool.min > p->pool.max)
		return error_set(err, ERROR_CONFIG,
		    "[pool %s] min: %u is more than max, which is %u", p->name, p->pool.min,
		    p->pool.max);
	if (p->backoff_min_ms > p->backoff_max_ms)
		return error_set(err, ERROR_CONFIG,
		    "[pool %s] backoff_min_ms: %u is more than backoff_max_ms, which is %u",
		    p->name, p->backoff_min_ms, p->backoff_max_ms);
	if (*p->engine == '\0')
		return error_set(
		    err, ERROR_CONFIG, "[pool %s] engine: an empty value names no engine", p->name);
	return 0;
}

static bool is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

static int check_listen(const struct config *c, const struct config_listen *l, struct error *err)
{
	if (is_given(l->pool) && config_finals_pool(c, l->pool, strlen(l->pool)) == NULL)
		return error_set(err, ERROR_CONFIG, "[listen %s] pool: there is no [pool %.40s]",
		    l->name, l->pool);
	if (l->sample_rate != 0 && l->sample_rate < 8000)
		return error_set(err, ERROR_CONFIG,
		    "[listen %s] sample_rate: %u is out of range; allowed is 8000 to 192000 Hz, or "
		    "0 for "
		    "the protocol's own",
		    l->name, l->sample_rate);
	if (is_given(l->certificate) != is_given(l->key))
		return error_set(err, ERROR_CONFIG,
		    "[listen %s] %s: TLS needs both a certificate and a key", l->name,
		    is_given(l->key) ? "certificate" : "key");
	return 0;
}

static int check_origins(const struct config *c, struct error *err)
{
	if (c->allowed_origins == NULL || origin_check_list(c->allowed_origins, err) == 0)
		return 0;
	return error_prefix(err, "[server] allowed_origins");
}

static int read_proxies(struct config *c, struct error *err)
{
	const char *text = c->trusted_proxies == NULL ? "" : c->trusted_proxies;

	if (address_list_parse(text, &c->http.trusted_proxies, err) == 0)
		return 0;
	return error_prefix(err, "[server] trusted_proxies");
}

static int check_open(const struct config *c, struct error *err)
{
	if (is_given(c->keys_file) || c->allow_open)
		return 0;
	for (unsigned i = 0; i < c->listens_n; i++)
		if (!address_is_loopback(c->listens[i].address))
			return error_set(err, ERROR_CONFIG,
			    "listening on %.100s without keys would let anybody in; set keys_file, "
			    "or "
			    "allow_open = yes",
			    c->listens[i].address);
	return 0;
}

int config_finish(struct config *c, struct error *err)
{
	struct config_place place;

	if (c->listens_n == 0 &&
	    config_place_open(
		c, "listen", config_table_sections[CONFIG_LISTEN].example, &place, err) != 0)
		return -1;
	if (c->pools_n == 0 &&
	    config_place_open(c, "pool", config_table_sections[CONFIG_POOL].example, &place, err) !=
		0)
		return -1;
	for (unsigned i = 0; i < c->listens_n; i++)
		if (check_listen(c, &c->listens[i], err) != 0)
			return -1;
	for (unsigned i = 0; i < c->pools_n; i++)
		if (check_pool(&c->pools[i], err) != 0 ||
		    config_finals_check(c, &c->pools[i], err) != 0)
			return -1;
	if (c->endpoint.min_utterance_ms > c->endpoint.max_utterance_ms)
		return error_set(err, ERROR_CONFIG,
		    "[vad] min_utterance_ms: %u is more than max_utterance_ms, which is %u",
		    c->endpoint.min_utterance_ms, c->endpoint.max_utterance_ms);
	if (check_origins(c, err) < 0 || read_proxies(c, err) < 0)
		return -1;
	return check_open(c, err);
}
