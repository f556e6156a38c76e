/* watchdog: tells a service manager that asks for it that the loop still turns (sd_watchdog_enabled(3): WATCHDOG_USEC, and
 * WATCHDOG_PID where it is for one process alone), twice in the time it allows. Server process. */
#ifndef CLI_WATCHDOG_H
#define CLI_WATCHDOG_H

#include <stdint.h>

struct uv_loop_s;
struct watchdog;

/* How often to tell, in ms, by these values of the environment (NULL: not set); 0: nobody asks us. */
uint64_t watchdog_interval_ms(const char *usec, const char *pid, long own_pid);

/* NULL: nobody asks. Tells at once, and then from the loop. */
struct watchdog *watchdog_new(struct uv_loop_s *loop);
/* Another process is asked from now on. */
void watchdog_stop(struct watchdog *w);
/* Its handle is closed through the loop. Sets *w to NULL; NULL is fine. */
void watchdog_free(struct watchdog **w);

#endif
