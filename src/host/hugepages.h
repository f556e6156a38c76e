/* hugepages: makes forks and copy-on-write cheap by the size of pages.
 *
 * A newborn shares the memory of its host, page by page of 4 KiB, until it writes. An utterance writes to
 * thousands of them, mostly in the same few regions (the state of the search), and each costs a fault and
 * a copy. So the host learns, from a child that hears a clip, which regions of the size of a huge page
 * are written all over: the hot ones. The others it turns into huge pages at once, which makes page tables
 * small and forks fast. A newborn turns the hot ones into huge pages of its own, with one call and one
 * copy for each instead of 512 faults, when its first utterance begins; until then it owns next to nothing.
 *
 * All of it is advice: where the kernel has no MADV_COLLAPSE (before Linux 6.1), no huge page to give, or
 * hides /proc/self/pagemap, nothing happens, and everything works as without. */
#ifndef HOST_HUGEPAGES_H
#define HOST_HUGEPAGES_H

#include <stddef.h>
#include <stdint.h>

enum { HUGEPAGES_HOT_MAX = 2048 };

struct hugepages {    /* plain data; zeroed: none are known */
	size_t bytes; /* of a huge page; 0: nothing is known */
	size_t hot_n;
	uintptr_t hot[HUGEPAGES_HOT_MAX]; /* addresses, ascending */
};

/* Keeps the kernel from giving huge pages by itself, so that what is written is seen in small ones. Between
 * the start of the host and hugepages_learn. */
void hugepages_hold(void);

/* Host: calls `rehearse` in a child, and fills *h with what that wrote to. Needs a single-threaded process.
 * Blocks for as long as the rehearsal takes. */
void hugepages_learn(struct hugepages *h, void (*rehearse)(void *arg), void *arg);

/* Newborn: takes the hot regions for its own. A few milliseconds. */
void hugepages_take(const struct hugepages *h);

#endif
