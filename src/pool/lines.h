/* lines: what a child process writes to its stderr, in the server's log line by line, under a name. One that writes without end
 * costs a bounded share of the log, of memory and of the loop's time; what is not logged is counted and told.
 * Server process, loop thread only. */
#ifndef POOL_LINES_H
#define POOL_LINES_H

struct lines;
struct uv_loop_s;

enum { LINES_WINDOW_MS = 10000 };

/* How many lines of each child are logged in LINES_WINDOW_MS, from the next window on; 100 if nobody says. */
void lines_set_max(unsigned max);
/* Takes over `fd`, the reading end of the child's stderr. Frees itself at the end of file, which may be after
 * its maker is gone. `name` ("instance en/17") is copied. */
void lines_start(struct uv_loop_s *loop, int fd, const char *name);
/* No line is awaited any more, as the loop is about to end: its next turn frees all there are. */
void lines_stop_all(void);

#endif
