/* signals: which signal does what, as a table. Server process, loop thread only. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stddef.h>

struct signals;
struct uv_loop_s;

struct signal_row {
	int number;
	const char *name;
	void (*act)(void *arg, const char *name); /* called from the loop */
};

/* Watches for all of them from now on. Borrows the rows and arg. */
struct signals *signals_new(
    struct uv_loop_s *loop, const struct signal_row *rows, size_t n, void *arg);
/* From now on they are ignored: what is leaving is not to be killed by one more. The loop must run on until the handles have
 * closed. */
void signals_free(struct signals **s);

#endif
