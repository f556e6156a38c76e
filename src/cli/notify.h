/* notify: tells the service manager how the server is, as sd_notify(3) describes. Without NOTIFY_SOCKET it does nothing;
 * a manager that does not listen is no failure. Server process. */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

/* Lines of NAME=VALUE: "READY=1\nSTATUS=serving". */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* RELOADING=1 with the time it asks for; READY=1 is to follow. */
void notify_reloading(void);

#endif
