/* log_sink: the descriptor that log lines go to, which is never waited for: a line for which there is no room is lost, and
 * counted. One that shares its descriptor with others (a terminal, the pipe of a container's log) does not change how theirs
 * behaves. Any process, one thread. */
#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_LINE_BYTES = 1024 }; /* of the longest line */

enum log_sink_kind {
	LOG_SINK_FILE,   /* a disk or what else takes all that it is given */
	LOG_SINK_OWN,    /* a pipe or terminal, opened anew so that it does not block us */
	LOG_SINK_SOCKET, /* asked not to block, at each line */
	LOG_SINK_POLLED, /* any other: asked whether it has room first */
};

struct log_sink {
	enum log_sink_kind kind;
	int fd;                    /* borrowed, or owned where it was opened anew */
	char rest[LOG_LINE_BYTES]; /* of a line that was taken in part */
	size_t rest_bytes;
	uint64_t lost; /* lines not told yet; whoever tells of them takes them off */
};

/* Borrows `fd`. */
void log_sink_init(struct log_sink *s, int fd);
void log_sink_done(struct log_sink *s);

/* A whole line with its end, at most LOG_LINE_BYTES; false: it is lost. */
bool log_sink_write(struct log_sink *s, const char *line, size_t n);
/* Whether a line would find room now, what was left of the last one being gone. */
bool log_sink_flows(struct log_sink *s);

#endif
