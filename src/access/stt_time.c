#define _GNU_SOURCE
#include "access/stt_time.h"

#include <time.h>

double stt_time_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)(t.tv_nsec / 1000) / 1e6;
}
