#include "monitor/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

static bool make_room(struct page *p, size_t n)
{
	size_t cap = MAX(p->cap * 2, MAX(p->n + n + 1, (size_t)4096));
	char *text;

	if (p->n + n < p->cap)
		return true;
	text = realloc(p->text, cap);
	if (text == NULL) {
		p->failed = true;
		return false;
	}
	p->text = text;
	p->cap = cap;
	return true;
}

void page_add(struct page *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || p->failed || !make_room(p, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p->text + p->n, p->cap - p->n, fmt, ap);
	va_end(ap);
	p->n += (size_t)n;
}

char *page_take(struct page *p)
{
	if (!p->failed)
		return p->text;
	free(p->text);
	return NULL;
}
