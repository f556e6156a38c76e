#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ERROR_CODES] = {
	[ERROR_NONE] = "none",
	[ERROR_INVALID] = "invalid",
	[ERROR_CONFIG] = "config",
	[ERROR_LIMIT] = "limit",
	[ERROR_BUSY] = "busy",
	[ERROR_TIMEOUT] = "timeout",
	[ERROR_PEER] = "peer",
	[ERROR_ENGINE] = "engine",
	[ERROR_SYSTEM] = "system",
	[ERROR_OVERLOADED] = "overloaded",
	[ERROR_RESTARTING] = "restarting",
	[ERROR_FORBIDDEN] = "forbidden",
	[ERROR_SESSIONS] = "too_many_sessions",
	[ERROR_QUOTA] = "quota_used_up",
};

int error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return -1;
}

int error_set_errno(struct error *err, enum error_code code, const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;
	size_t used;

	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof err->text - used, ": %s", why);
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char rest[sizeof err->text];
	va_list ap;
	size_t used;

	memcpy(rest, err->text, sizeof rest);
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof err->text - used, ": %s", rest);
	return -1;
}

const char *error_code_name(enum error_code code)
{
	return code < ERROR_CODES ? names[code] : "unknown";
}
