/* exposition: whether a page is Prometheus text format 0.0.4 and keeps to more than that asks for: HELP and TYPE
 * once, in this order and right before their samples; counters that end in _total; no series twice; histograms
 * whose buckets rise, end at +Inf and agree with _count. For tests only. */
#ifndef MONITOR_EXPOSITION_H
#define MONITOR_EXPOSITION_H

#include <stddef.h>

/* NULL when the page is right; otherwise a sentence with the line, lent until the next call. */
const char *exposition_check(const char *page);
/* The value of a series, as it is written on the page (name and labels); -1 when it is not there. */
double exposition_value(const char *page, const char *series);

#endif
