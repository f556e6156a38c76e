#define _GNU_SOURCE
#include "cli/watchdog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/util.h"
#include "cli/notify.h"

struct watchdog {
	uv_timer_t timer;
};

static bool parse(const char *text, uint64_t *out)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

uint64_t watchdog_interval_ms(const char *usec, const char *pid, long own_pid)
{
	uint64_t allowed_us, asked;

	if (!parse(usec, &allowed_us) || allowed_us == 0)
		return 0;
	if (pid != NULL && (!parse(pid, &asked) || asked != (uint64_t)own_pid))
		return 0;
	return MAX(allowed_us / 2000, 1);
}

static void on_time(uv_timer_t *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct watchdog *watchdog_new(struct uv_loop_s *loop)
{
	uint64_t ms =
	    watchdog_interval_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), getpid());
	struct watchdog *w;

	if (ms == 0 || getenv("NOTIFY_SOCKET") == NULL)
		return NULL;
	w = xcalloc(1, sizeof *w);
	(void)uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	(void)uv_timer_start(&w->timer, on_time, 0, ms);
	log_debug("server: telling the service manager every %llu ms that the loop turns",
	    (unsigned long long)ms);
	return w;
}

void watchdog_stop(struct watchdog *w)
{
	if (w != NULL)
		(void)uv_timer_stop(&w->timer);
}

void watchdog_free(struct watchdog **watchdog)
{
	struct watchdog *w = *watchdog;

	*watchdog = NULL;
	if (w != NULL)
		uv_close((uv_handle_t *)&w->timer, on_closed);
}
