#define _GNU_SOURCE
#include "pool/host_config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"

static size_t params_n(const struct host_config *cfg)
{
	size_t n = 0;

	while (cfg->params[n] != NULL)
		n++;
	return n;
}

struct host_config *host_config_copy(const struct host_config *cfg)
{
	struct host_config *copy = xcalloc(1, sizeof *copy);
	size_t n = params_n(cfg);
	char **params = xcalloc(n + 1, sizeof *params);

	*copy = *cfg;
	copy->program = xstrdup(cfg->program);
	copy->name = xstrdup(cfg->name);
	copy->engine = xstrdup(cfg->engine);
	for (size_t i = 0; i < n; i++)
		params[i] = xstrdup(cfg->params[i]);
	copy->params = params;
	return copy;
}

void host_config_free(struct host_config **cfg)
{
	struct host_config *c = *cfg;

	if (c == NULL)
		return;
	*cfg = NULL;
	for (size_t i = 0; c->params[i] != NULL; i++)
		free(c->params[i]);
	free((void *)(uintptr_t)c->params);
	free((void *)(uintptr_t)c->program);
	free((void *)(uintptr_t)c->name);
	free((void *)(uintptr_t)c->engine);
	free(c);
}

void host_config_copy_times(struct host_config *into, const struct host_config *from)
{
	into->start_timeout_ms = from->start_timeout_ms;
	into->answer_timeout_ms = from->answer_timeout_ms;
	into->kill_timeout_ms = from->kill_timeout_ms;
	into->backoff_min_ms = from->backoff_min_ms;
	into->backoff_max_ms = from->backoff_max_ms;
}

unsigned host_config_pause_ms(const struct host_config *cfg, unsigned failures)
{
	unsigned ms = cfg->backoff_min_ms;

	if (failures == 0)
		return 0;
	for (unsigned i = 1; i < failures && ms < cfg->backoff_max_ms; i++)
		ms *= 2;
	return MIN(ms, cfg->backoff_max_ms);
}

static bool has_param(const struct host_config *cfg, const char *param)
{
	for (char *const *p = cfg->params; *p != NULL; p++)
		if (strcmp(*p, param) == 0)
			return true;
	return false;
}

/* In a file settings may change places without a change of meaning. */
bool host_config_is_same(const struct host_config *a, const struct host_config *b)
{
	if (strcmp(a->program, b->program) != 0 || strcmp(a->engine, b->engine) != 0 ||
	    params_n(a) != params_n(b))
		return false;
	for (char *const *p = a->params; *p != NULL; p++)
		if (!has_param(b, *p))
			return false;
	return true;
}

static uint64_t mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static uint64_t stamp_of(const struct stat *st)
{
	uint64_t h = mix(mix(1, (uint64_t)st->st_dev), (uint64_t)st->st_ino);

	h = mix(mix(h, (uint64_t)st->st_size), (uint64_t)st->st_mtim.tv_sec);
	return mix(h, (uint64_t)st->st_mtim.tv_nsec);
}

/* The order of entries does not matter. */
static uint64_t stamp_entries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	struct stat st;
	uint64_t sum = 0;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, "..") != 0 && fstatat(dirfd(dir), e->d_name, &st, 0) == 0)
			sum += stamp_of(&st);
	(void)closedir(dir);
	return sum;
}

/* Most values are no paths: then there is no such file, and nothing to see. */
static uint64_t stamp_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return S_ISDIR(st.st_mode) ? stamp_entries(path) : stamp_of(&st);
}

/* A value may be a command, whose words may be files. */
static uint64_t stamp_words(const char *value)
{
	uint64_t sum = 0;
	char *words, *rest, *word;

	if (strchr(value, ' ') == NULL || strchr(value, '/') == NULL)
		return 0;
	words = rest = xstrdup(value);
	while ((word = strsep(&rest, " \t'\"")) != NULL)
		if (word[0] == '/')
			sum += stamp_path(word);
	free(words);
	return sum;
}

uint64_t host_config_stamp(const struct host_config *cfg)
{
	uint64_t sum = 0;

	for (char *const *p = cfg->params; *p != NULL; p++) {
		const char *value = strchr(*p, '=');

		if (value != NULL && value[1] != '\0')
			sum += stamp_path(value + 1) + stamp_words(value + 1);
	}
	return sum;
}
