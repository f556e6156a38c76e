/* The pools of the config become crews: where their program and its files are, and what the engine is told. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/name_list.h"
#include "base/util.h"
#include "cli/canary_clip.h"
#include "cli/server_internal.h"
#include "pool/crew.h"

/* Our own directory, where stenopool-host stands beside us, with a slash at the end. */
static int own_directory(char *path, size_t cap, struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, cap - 1);

	if (n < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot read /proc/self/exe");
	path[n] = '\0';
	strrchr(path, '/')[1] = '\0';
	return 0;
}

/* The clip that hosts warm up with: beside a program that was just built, or where it is installed. */
static char *find_warmup(const char *directory)
{
	static const char *const places[] = { "warmup.wav", "../share/stenopool/warmup.wav" };
	char path[SERVER_PATH_CAP + 64];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(path, sizeof path, "%s%s", directory, places[i]);
		if (access(path, R_OK) == 0)
			return xstrdup(path);
	}
	return NULL;
}

static char *assignment(const char *key, const char *value)
{
	size_t n = strlen(key) + strlen(value) + 2;
	char *text = xcalloc(1, n);

	(void)snprintf(text, n, "%s=%s", key, value);
	return text;
}

/* What a host is started with; `cfg` points into the rest and into the config. */
struct orders {
	struct host_config cfg;
	char *params[CONFIG_PARAMS_MAX + 6];
	char *warmup, *user; /* owned; "host.warmup=PATH" or NULL, "host.user=NAME" */
};

static void orders_init(struct orders *o, const struct server *s, const struct config_pool *p)
{
	char *found = p->warmup == NULL ? find_warmup(s->directory) : NULL;
	const char *warmup = p->warmup != NULL ? p->warmup : found != NULL ? found : "";
	char **params = o->params;

	memset(o, 0, sizeof *o);
	if (warmup[0] != '\0')
		*params++ = o->warmup = assignment("host.warmup", warmup);
	free(found);
	*params++ = o->user = assignment("host.user", p->user != NULL ? p->user : "");
	*params++ = (char *)(uintptr_t)(p->confine ? "host.confine=yes" : "host.confine=no");
	*params++ =
	    (char *)(uintptr_t)(p->core_dumps ? "host.core_dumps=yes" : "host.core_dumps=no");
	for (unsigned i = 0; i < p->params_n; i++)
		*params++ = p->params[i];
	o->cfg = (struct host_config){ .program = s->host_program,
		.name = p->name,
		.engine = p->engine,
		.params = o->params,
		.start_timeout_ms = p->load_timeout_ms,
		.answer_timeout_ms = p->host_timeout_ms,
		.kill_timeout_ms = p->kill_timeout_ms,
		.backoff_min_ms = p->backoff_min_ms,
		.backoff_max_ms = p->backoff_max_ms };
}

static void orders_done(struct orders *o)
{
	free(o->warmup);
	free(o->user);
}

/* The clip is that of the warm-up. */
static void set_canary(struct server *s, unsigned at, const struct orders *o)
{
	size_t n = 0;

	if (o->warmup != NULL)
		s->canaries[at] = canary_clip_read(strchr(o->warmup, '=') + 1, &n);
	if (s->canaries[at] != NULL)
		pool_set_canary(s->pools[at], s->canaries[at], n);
}

static void add_crew(struct server *s, const struct config_pool *p)
{
	struct orders o;

	orders_init(&o, s, p);
	s->crews[s->crews_n] = crew_new(&s->loop, &s->turn, p->name, &p->pool, &o.cfg);
	s->pools[s->crews_n] = crew_pool(s->crews[s->crews_n]);
	pool_use_compute(s->pools[s->crews_n], s->compute);
	pool_set_languages(s->pools[s->crews_n], p->languages);
	pool_set_tidy_text(s->pools[s->crews_n], p->tidy_text == 1);
	set_canary(s, s->crews_n, &o);
	s->crews_n++;
	orders_done(&o);
}

static struct pool *find_pool(const struct server *s, const char *name, size_t n)
{
	for (unsigned i = 0; i < s->crews_n; i++)
		if (strncmp(pool_name(s->pools[i]), name, n) == 0 &&
		    pool_name(s->pools[i])[n] == '\0')
			return s->pools[i];
	return NULL;
}

/* Pools that have come into the settings since the start are not there yet. */
static void set_finals(const struct server *s, unsigned at)
{
	const struct config_pool *p = &s->cfg->pools[at];
	struct pool_finals finals = { .wait_ms = p->finals_wait_ms };
	const char *list = p->finals == NULL ? "" : p->finals, *name;
	size_t n;

	while ((name = name_list_next(&list, &n)) != NULL && finals.n < POOL_FINALS_MAX) {
		struct pool *other = find_pool(s, name, n);

		if (other != NULL)
			finals.pools[finals.n++] = other;
		else
			log_warn("pool %s: finals: pool %.*s is not there before a restart (or "
				 "SIGUSR2)",
			    p->name, (int)n, name);
	}
	pool_set_finals(s->pools[at], &finals);
}

int server_crews_make(struct server *s, struct error *err)
{
	if (own_directory(s->directory, sizeof s->directory, err) < 0)
		return -1;
	(void)snprintf(s->host_program, sizeof s->host_program, "%sstenopool-host", s->directory);
	if (access(s->host_program, X_OK) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "%s", s->host_program);
	for (unsigned i = 0; i < s->cfg->pools_n; i++)
		add_crew(s, &s->cfg->pools[i]);
	for (unsigned i = 0; i < s->crews_n; i++)
		set_finals(s, i);
	return 0;
}

void server_crews_reload(struct server *s)
{
	for (unsigned i = 0; i < s->crews_n; i++) {
		const struct config_pool *p = &s->cfg->pools[i];
		struct orders o;

		orders_init(&o, s, p);
		pool_reconfigure(s->pools[i], &p->pool);
		pool_set_languages(s->pools[i], p->languages);
		set_finals(s, i);
		pool_set_tidy_text(s->pools[i], p->tidy_text == 1);
		if (crew_reload(s->crews[i], &o.cfg) == CREW_LOADING)
			log_info("server: pool %s: the model is being loaded anew", p->name);
		orders_done(&o);
	}
}
