#define _GNU_SOURCE
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[LOG_LEVELS] = { "error", "warn", "info", "debug" };
static enum log_level max_level = LOG_INFO;

void log_set_level(enum log_level max)
{
	max_level = max;
}

int log_level_parse(const char *word, enum log_level *out)
{
	for (int i = 0; i < LOG_LEVELS; i++) {
		if (strcmp(word, names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

static size_t write_stamp(char *line, size_t cap, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, cap - n, ".%03ldZ %s ", ts.tv_nsec / 1000000, names[level]);
	return n;
}

/* Control characters would let whoever words a message forge a line of its own. */
static void make_one_line(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t n;
	va_list ap;
	int more;

	if (level > max_level)
		return;
	n = write_stamp(line, sizeof line, level);
	va_start(ap, fmt);
	more = vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
	va_end(ap);
	if (more < 0)
		return;
	n += (size_t)more < sizeof line - n - 1 ? (size_t)more : sizeof line - n - 2;
	make_one_line(line, n);
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, n);
}
