#define _GNU_SOURCE
#include "base/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

static void *pass(void *gate)
{
	(void)pthread_mutex_lock(gate);
	(void)pthread_mutex_unlock(gate);
	return NULL;
}

int threads_try(unsigned n, struct error *err)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_t *started = xcalloc(n, sizeof *started);
	unsigned have = 0;
	int rc = 0;

	(void)pthread_mutex_lock(&gate);
	while (have < n && (rc = pthread_create(&started[have], NULL, pass, &gate)) == 0)
		have++;
	(void)pthread_mutex_unlock(&gate);
	for (unsigned i = 0; i < have; i++)
		(void)pthread_join(started[i], NULL);
	free(started);
	if (rc == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM,
	    "%u threads are needed, and no more than %u can be started: %s", n, have, strerror(rc));
}
