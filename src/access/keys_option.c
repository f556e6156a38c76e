/* What a key can be given: one row an option. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "access/keys.h"
#include "access/keys_internal.h"
#include "base/error.h"
#include "base/util.h"

enum { SESSIONS_MAX = 1000000, POOL_NAME_MAX = 31 };

static const char *const priorities[PRIORITIES] = {
	[PRIORITY_HIGH] = "high", [PRIORITY_NORMAL] = "normal", [PRIORITY_LOW] = "low"
};

static int set_priority(struct key *key, const char *value, struct error *err)
{
	for (unsigned p = 0; p < PRIORITIES; p++) {
		if (strcmp(priorities[p], value) == 0) {
			key->priority = (enum priority)p;
			return 0;
		}
	}
	return error_set(err, ERROR_CONFIG,
	    "priority=%.40s is not one of the words; allowed is high, normal or low", value);
}

/* -1: it is neither a number in the range nor "none", which is 0. */
static int read_limit(const char *value, unsigned max, unsigned *out)
{
	unsigned long n = 0;

	if (strcmp(value, "none") != 0) {
		char *end;

		n = strtoul(value, &end, 10);
		if (!isdigit((unsigned char)*value) || *end != '\0' || n < 1 || n > max)
			return -1;
	}
	*out = (unsigned)n;
	return 0;
}

static int set_sessions(struct key *key, const char *value, struct error *err)
{
	if (read_limit(value, SESSIONS_MAX, &key->limits.sessions) == 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
	    "sessions=%.40s is no number of sessions; allowed is 1 to %d, or none for no limit",
	    value, SESSIONS_MAX);
}

static int set_minutes(struct key *key, const char *value, struct error *err)
{
	if (read_limit(value, QUOTA_MINUTES_MAX, &key->limits.minutes) == 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
	    "minutes=%.40s is no number of minutes an hour; allowed is 1 to %d, or none for no "
	    "limit",
	    value, QUOTA_MINUTES_MAX);
}

static bool is_pool_list(const char *value)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	for (;;) {
		size_t n = strspn(value, letters);

		if (n == 0 || n > POOL_NAME_MAX || (value[n] != ',' && value[n] != '\0'))
			return false;
		if (value[n] == '\0')
			return true;
		value += n + 1;
	}
}

static int set_pools(struct key *key, const char *value, struct error *err)
{
	size_t n = strlen(value);

	if (n >= KEYS_POOLS_BYTES || !is_pool_list(value))
		return error_set(err, ERROR_CONFIG,
		    "pools=%.40s is no list of pools; allowed are names separated by commas, %d "
		    "bytes at most, or all",
		    value, KEYS_POOLS_BYTES - 1);
	if (strcmp(value, "all") == 0)
		n = 0;
	memcpy(key->pools, value, n);
	key->pools[n] = '\0';
	return 0;
}

static const char list[] = "pools=";

static const struct {
	const char *name, *allowed;
	int (*set)(struct key *key, const char *value, struct error *err);
} options[] = {
	{ "priority", "priority=high|normal|low", set_priority },
	{ "sessions", "sessions=N", set_sessions },
	{ "minutes", "minutes=N", set_minutes },
	{ "pools", "pools=NAME,...", set_pools },
};

int keys_set_option(struct key *key, const char *option, struct error *err)
{
	char allowed[128] = "";
	size_t n = strcspn(option, "="), used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strlen(options[i].name) == n && strncmp(options[i].name, option, n) == 0 &&
		    option[n] == '=')
			return options[i].set(key, option + n + 1, err);
		if (used < sizeof allowed)
			used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s",
			    i == 0 ? "" : ", ", options[i].allowed);
	}
	return error_set(err, ERROR_CONFIG, "\"%.40s\" is not an option of a key; allowed is %s",
	    option, allowed);
}

size_t keys_option_length(const char *text)
{
	size_t n = strcspn(text, ",");

	if (strncmp(text, list, sizeof list - 1) != 0)
		return n;
	while (text[n] == ',' && text[n + 1 + strcspn(text + n + 1, ",=")] != '=')
		n += 1 + strcspn(text + n + 1, ",");
	return n;
}

void keys_format_options(const struct key *key, char separator, char text[KEYS_OPTIONS_BYTES])
{
	const struct quota_limits *l = &key->limits;
	size_t n =
	    (size_t)snprintf(text, KEYS_OPTIONS_BYTES, "priority=%s", priorities[key->priority]);

	if (l->sessions > 0)
		n += (size_t)snprintf(
		    text + n, KEYS_OPTIONS_BYTES - n, "%csessions=%u", separator, l->sessions);
	if (l->minutes > 0)
		n += (size_t)snprintf(
		    text + n, KEYS_OPTIONS_BYTES - n, "%cminutes=%u", separator, l->minutes);
	if (*key->pools != '\0')
		(void)snprintf(
		    text + n, KEYS_OPTIONS_BYTES - n, "%c%s%s", separator, list, key->pools);
}
