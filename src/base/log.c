#define _GNU_SOURCE
#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log_sink.h"
#include "base/metric.h"

static const char *const names[LOG_LEVELS] = { "error", "warn", "info", "debug" };
static enum log_level max_level = LOG_INFO;
static struct log_sink sink = { .kind = LOG_SINK_FILE, .fd = STDERR_FILENO };

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

static size_t word(char *line, enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Without its end, at most LOG_LINE_BYTES - 1; 0: it could not be worded. */
static size_t word(char *line, enum log_level level, const char *fmt, va_list ap)
{
	size_t cap = LOG_LINE_BYTES - 1;
	size_t n = write_stamp(line, cap, level);
	int more = vsnprintf(line + n, cap - n, fmt, ap);

	if (more < 0)
		return 0;
	n += (size_t)more < cap - n ? (size_t)more : cap - n - 1;
	make_one_line(line, n);
	return n;
}

static bool write_line(enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static bool write_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[LOG_LINE_BYTES];
	size_t n = word(line, level, fmt, ap);

	if (n == 0)
		return true;
	line[n++] = '\n';
	return log_sink_write(&sink, line, n);
}

static bool write_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool write_note(const char *fmt, ...)
{
	va_list ap;
	bool written;

	va_start(ap, fmt);
	written = write_line(LOG_WARN, fmt, ap);
	va_end(ap);
	return written;
}

/* The line that tells of lost ones is none of them. */
void log_look(void)
{
	uint64_t lost = sink.lost;

	if (lost > 0 && log_sink_flows(&sink) &&
	    write_note("log: %" PRIu64
		       " lines were lost before this one: nobody read them, or they "
		       "could not be written",
		lost))
		sink.lost -= lost;
	else
		sink.lost = lost;
}

void log_never_wait(void)
{
	log_sink_init(&sink, STDERR_FILENO);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > max_level)
		return;
	log_look();
	va_start(ap, fmt);
	if (!write_line(level, fmt, ap))
		metric_add(METRIC_log_lines_lost_total, 1);
	va_end(ap);
}
