/* native_event: session events as the JSON of the native protocol. Pure. */
#ifndef ACCESS_NATIVE_EVENT_H
#define ACCESS_NATIVE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

struct native_context {
	uint64_t session, instance; /* of ready and final */
	const char *pool;
	const char *engine, *model; /* of its host; NULL or "": not known yet */
	bool return_adaptation;
};

/* One JSON object, to be freed by the caller; NULL when memory is out. */
char *native_event_text(const struct session_event *e, const struct native_context *ctx);

/* {"type":"warning",...}: what was asked for and makes no difference. */
char *native_warning_text(const struct error *what);
/* {"type":"error",...} for what went wrong before there was a session. */
char *native_error_text(const struct error *err, unsigned retry_after_ms);

#endif
