/* log: one line an event on stderr: "2026-01-31T12:00:00.123Z info session 17: ...".
 * A failure is logged once, where it is handled; libraries below the pool do not log.
 * Any process. Lines are written whole, so several processes may share a stderr. A line that stderr does not take is lost:
 * counted (log_lines_lost_total), and told of in the log as soon as it takes lines again. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

void log_set_level(enum log_level max);
/* Fills *out from "error", "warn", "info" or "debug"; -1 for another word. */
int log_level_parse(const char *word, enum log_level *out);

/* From here on a stderr that nobody reads costs lines and no time; before, each is waited for. For a process that serves. */
void log_never_wait(void);
/* Now and then: tells of lines that were lost, if they can be told of. */
void log_look(void);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
