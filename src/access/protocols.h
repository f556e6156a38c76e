/* protocols: what may be spoken at a listener of its own, by name, and the entry of each protocol. A protocol is told by
 * its listener, since several live at the same path and cannot be told apart by what comes first. Server process, loop
 * thread only. */
#ifndef ACCESS_PROTOCOLS_H
#define ACCESS_PROTOCOLS_H

#include <stdbool.h>

struct access;
struct http_exchange;
struct tcp;

/* The order of the names in `[listen NAME] protocol = ...`. */
enum protocol {
	PROTOCOL_STENOPOOL, /* the main port: routes by path; no entry in here */
	PROTOCOL_VOSK,
	PROTOCOL_WHISPERLIVE,
	PROTOCOL_SHERPA_ONNX,
	PROTOCOL_STT_CONTROL, /* RealtimeSTT's stt-server has two ports */
	PROTOCOL_STT_DATA,
	PROTOCOL_STT_FASTAPI, /* RealtimeSTT's example_fastapi_server */
	PROTOCOL_WYOMING,
	PROTOCOLS
};

extern const char *const protocol_names[PROTOCOLS + 1]; /* ended by NULL */

/* A listener's settings; each connection knows by which one it came. */
struct access_listener {
	enum protocol protocol;
	char name[32];        /* for the log */
	const char *pool;     /* for clients that cannot name one; NULL: the first */
	unsigned sample_rate; /* Hz, for clients that do not say theirs; 0: the protocol's own */
};

/* A request that came by a listener of another protocol than the main one; answers it, now or later. */
void protocols_request(struct access *a, const struct access_listener *l, struct http_exchange *x);
/* The same for a connection where no HTTP is spoken. */
void protocols_tcp(struct access *a, const struct access_listener *l, struct tcp *t);
bool protocols_is_raw(enum protocol p);

#endif
