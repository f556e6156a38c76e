/* wire: one client's connection, whatever protocol it speaks: a WebSocket, or a plain TCP stream. Here is what no protocol
 * does differently: who is let in, the ping of a quiet connection, the end of a silent one, how a server that leaves says
 * so, and that nothing is said after the end. A protocol is a table of functions and a struct that begins with a wire.
 *
 *   OPEN --wire_fail, wire_close, the client left--> CLOSING --the connection is gone--> (freed)
 *
 * Server process, loop thread only. */
#ifndef ACCESS_WIRE_H
#define ACCESS_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/access_internal.h"
#include "access/client.h"

struct access_listener;
struct error;
struct http_exchange;
struct tcp;
struct wire;
struct ws;

/* How a request is refused before it is a WebSocket, and how that is worded. */
struct wire_refusal {
	unsigned status;         /* 400, 401, 403, 404, 426, 429, 503 */
	unsigned retry_after_ms; /* 0: not said */
};

struct wire_protocol {
	const char *name; /* "vosk": for the log */
	size_t
	    size; /* of the struct that begins with a struct wire; it is made zeroed, and freed by wire */
	/* A client whose request brings no key at all is let in as well, as `unknown`: the protocol must see to it that it brings
	 * one before it gets anything. */
	bool key_may_come_later;
	/* The request of a client that is let in, before it is answered: its query and headers are there now and not later.
	 * NULL: there is nothing to read. -1 refuses it: *err says why, *how with what status (400 as it comes). */
	int (*read_request)(
	    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how);
	/* The words of a refusal before the upgrade, which answers x. NULL: those of the native protocol. */
	void (*refuse)(
	    struct http_exchange *x, const struct error *why, const struct wire_refusal *how);
	/* Header lines of the answer 101, each ended by \r\n, or NULL. Lent. */
	const char *(*headers)(const struct wire *w);
	void (*on_open)(struct wire *w); /* may be NULL */
	/* A message of a WebSocket; text is UTF-8. What comes in a binary frame and is a JSON object is text all the same. */
	void (*on_text)(struct wire *w, const char *text, size_t n);
	void (*on_binary)(struct wire *w, const void *bytes, size_t n);
	/* Of a TCP stream instead: what came; and its end, after which we may still send (NULL: the wire is closed). */
	void (*on_bytes)(struct wire *w, const uint8_t *bytes, size_t n);
	void (*on_end)(struct wire *w);
	/* First in wire_fail: ends its sessions by that error (voice_abort), so that what was understood is told. That they end is
	 * told as ever, and may lead to wire_fail again, which has no effect then. NULL: there is nothing to be told. */
	void (*cut)(struct wire *w, const struct error *why);
	/* Before wire_fail closes: sends the protocol's own words for it. NULL: the close frame says it. */
	void (*tell)(struct wire *w, const struct error *why, unsigned retry_after_ms);
	/* The close code for an error. NULL: wire_close_code. */
	unsigned (*close_code)(enum error_code code);
	/* About once a second. May be NULL. */
	void (*look)(struct wire *w, uint64_t now_ns);
	/* Once: nothing can be sent any more. Gives back all voices; w itself stays for a while. */
	void (*on_closing)(struct wire *w);
	/* Last: frees what the struct owns, not the struct. May be NULL. */
	void (*on_gone)(struct wire *w);
};

struct wire {
	struct access_link link;
	struct access *access;
	const struct wire_protocol *protocol;
	const struct access_listener *listener; /* by which it came; NULL: the main one */
	struct ws *ws;                          /* one of both */
	struct tcp *tcp;
	struct client client;
	/* Set by the protocol when the client has said what it wants: before that it has start_timeout_ms, and a server
	 * that leaves tells it so and closes. */
	bool begun;
	bool closing;
	bool cutting;     /* wire_fail is at its `cut` */
	bool unknown;     /* key_may_come_later, and it has not come; `client` is empty */
	uint64_t session; /* for the log; set by the protocol when it has one */
	uint64_t opened_ns, pinged_ns;
};

/* The pool that the listener is set to, for clients that cannot name one; NULL: the first. */
const char *wire_listener_pool(const struct wire *w);
/* Lets the client of the request in, or answers it. */
void wire_accept(struct access *a, struct http_exchange *x, const struct wire_protocol *p);
/* The same for a TCP connection. There is no way for it to bring a key, so where keys are configured it is let in by none. */
void wire_accept_tcp(struct access *a, struct tcp *t, const struct access_listener *listener,
    const struct wire_protocol *p);

/* All three: no effect after the end. A client that does not read is ended by them. */
void wire_send_text(struct wire *w, const char *text, size_t n);
void wire_send_bytes(struct wire *w, const void *bytes, size_t n);
void wire_send_json(struct wire *w, json_t *object); /* takes it; NULL: no effect */
void wire_pause(struct wire *w);
void wire_resume(struct wire *w);
/* struct session_events, on_drain, of a session whose arg is the wire and that holds back nothing else. */
void wire_on_drain(void *wire);

/* An orderly end (1000), or another one. The reason is made UTF-8. on_closing comes from inside. */
void wire_close(struct wire *w, unsigned code, const char *reason);
/* Logs it, tells the client in the protocol's words, and closes with the code that fits. */
void wire_fail(struct wire *w, const struct error *why, unsigned retry_after_ms);
unsigned wire_close_code(enum error_code code);

/* For protocols whose session opens with the first that a client says, and is the only one: sets w->session. -1 with a sentence;
 * *retry_after_ms: when to try again, 0: not said. */
typedef int wire_open_f(struct wire *w, struct error *err, unsigned *retry_after_ms);
/* Calls `open` unless there is a session. -1: the wire is closed, as that failed or what came of it has. */
int wire_open_once(struct wire *w, wire_open_f *open);

/* From `look`, of a client that has begun and has no session yet, so that the roster does not know it: ends it when the server
 * leaves, and when it has said nothing since told_ns for idle_timeout_ms. */
void wire_look_without_session(struct wire *w, uint64_t told_ns, uint64_t now_ns);

#endif
