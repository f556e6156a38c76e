#define _GNU_SOURCE
#include "host/hugepages.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

/* Of a word in /proc/self/pagemap. */
#define PAGE_PRESENT (1ull << 63)
#define PAGE_FILE    (1ull << 61)
#define PAGE_MY_OWN  (1ull << 56) /* mapped by no other process */

enum {
	HOT_SHARE = 4,       /* hot: at least a quarter of its pages are written */
	PAGES_AT_ONCE = 512, /* of pagemap */
};

#define MAPPING_MAX_BYTES (16ull << 30) /* larger ones are reservations, not memory */

void hugepages_hold(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static size_t size_of_huge_page(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	unsigned long bytes = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &bytes) != 1)
		bytes = 0;
	(void)fclose(f);
	return bytes;
}

/* Whole huge pages inside one mapping. */
typedef void region_f(void *arg, uintptr_t from, uintptr_t to);

static bool is_private_memory(const char *permissions, unsigned long inode)
{
	return inode == 0 && permissions[0] == 'r' && permissions[1] == 'w' &&
	    permissions[3] == 'p';
}

/* Calls f for the writable anonymous memory of this process, but for its stack. */
static void for_each_region(size_t huge, region_f *f, void *arg)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long long from, to;
	unsigned long inode;
	char line[512], permissions[8];

	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%llx-%llx %7s %*s %*s %lu", &from, &to, permissions, &inode) != 4)
			continue;
		from = (from + huge - 1) / huge * huge;
		to = to / huge * huge;
		if (is_private_memory(permissions, inode) && strstr(line, "[stack") == NULL &&
		    from < to && to - from <= MAPPING_MAX_BYTES)
			f(arg, (uintptr_t)from, (uintptr_t)to);
	}
	if (maps != NULL)
		(void)fclose(maps);
}

struct scan {
	struct hugepages *h;
	int pagemap;
	size_t page;
};

static size_t count_own(const struct scan *s, uintptr_t from, size_t bytes)
{
	uint64_t words[PAGES_AT_ONCE];
	size_t own = 0, n = MIN(bytes / s->page, PAGES_AT_ONCE);

	for (size_t at = 0; at < bytes; at += n * s->page) {
		off_t offset = (off_t)((from + at) / s->page * sizeof words[0]);

		if (pread(s->pagemap, words, n * sizeof words[0], offset) !=
		    (ssize_t)(n * sizeof words[0]))
			return 0;
		for (size_t i = 0; i < n; i++)
			own += (words[i] & (PAGE_PRESENT | PAGE_FILE | PAGE_MY_OWN)) ==
			    (PAGE_PRESENT | PAGE_MY_OWN);
	}
	return own;
}

static void note_hot(void *arg, uintptr_t from, uintptr_t to)
{
	const struct scan *s = arg;
	struct hugepages *h = s->h;

	for (; from < to && h->hot_n < HUGEPAGES_HOT_MAX; from += h->bytes)
		if (count_own(s, from, h->bytes) * HOT_SHARE * s->page >= h->bytes)
			h->hot[h->hot_n++] = from;
}

static void collapse_cold(void *arg, uintptr_t from, uintptr_t to)
{
	const struct hugepages *h = arg;
	size_t i = 0;

	for (; from < to; from += h->bytes) {
		while (i < h->hot_n && h->hot[i] < from)
			i++;
		if (i == h->hot_n || h->hot[i] != from)
			(void)madvise((void *)from, h->bytes, MADV_COLLAPSE);
	}
}

/* In the child. What it writes to from here on is hot too, but little. */
static void watch(struct hugepages *h, void (*rehearse)(void *arg), void *arg)
{
	struct scan s = { h, open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
		(size_t)sysconf(_SC_PAGESIZE) };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	rehearse(arg);
	if (s.pagemap >= 0)
		for_each_region(h->bytes, note_hot, &s);
}

void hugepages_learn(struct hugepages *h, void (*rehearse)(void *arg), void *arg)
{
	struct hugepages *shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = -1;

	h->hot_n = 0;
	(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	if (shared == MAP_FAILED)
		return;
	shared->bytes = size_of_huge_page();
	if (shared->bytes > 0)
		pid = fork();
	if (pid == 0) {
		watch(shared, rehearse, arg);
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, NULL, 0) == pid)
		*h = *shared;
	(void)munmap(shared, sizeof *shared);
	if (h->hot_n > 0)
		for_each_region(h->bytes, collapse_cold, h);
}

void hugepages_take(const struct hugepages *h)
{
	for (size_t i = 0; i < h->hot_n; i++)
		(void)madvise((void *)h->hot[i], h->bytes, MADV_COLLAPSE);
}
