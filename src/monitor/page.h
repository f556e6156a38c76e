/* page: text that grows, for pages that are written line by line. Once memory is out it stays empty. */
#ifndef MONITOR_PAGE_H
#define MONITOR_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct page {
	char *text; /* owned */
	size_t n, cap;
	bool failed;
};

void page_add(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *page_take(struct page *p); /* the text, now the caller's; NULL when memory was out */

#endif
