/* status_page: GET /v1/status, whose figures of memory are read away from the loop. Loop thread. */
#ifndef CLI_STATUS_PAGE_H
#define CLI_STATUS_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct http_exchange;
struct monitor;
struct monitor_client;
struct work;

/* Answers later, from the loop. Borrows monitor and work until then. */
void status_page_get(const struct monitor *m, struct work *work, struct http_exchange *x);
/* The client of an unanswered exchange has left. Any exchange may be given. */
void status_page_abort(struct http_exchange *x);

/* The monitor's monitor_client_f; `arg` is the struct access. */
bool status_page_client_of(void *arg, uint64_t session, struct monitor_client *out);

#endif
