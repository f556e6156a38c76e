/* orphans: children of this process that nobody here waits for: strangers' processes that the kernel hands to process 1 of a
 * container, or to a subreaper. Server process, loop thread. */
#ifndef CLI_ORPHANS_H
#define CLI_ORPHANS_H

#include <sys/types.h>

enum { ORPHANS_MAX = 64 }; /* looked after at a time; the others' turn comes */

struct orphans {                 /* zeroed is empty */
	pid_t seen[ORPHANS_MAX]; /* ended children that were there at the last look */
	unsigned seen_n;
};

/* Reaps children that had ended at the last look and are still there: whoever waits for one of ours has done so by then, in
 * the turns of the loop between. Returns how many. */
unsigned orphans_look(struct orphans *o);

#endif
