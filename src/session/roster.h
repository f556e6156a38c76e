/* roster: the sessions that are open: how many there may be, a look at each for status, and the end of those that
 * have gone silent. Server process, loop thread only. */
#ifndef SESSION_ROSTER_H
#define SESSION_ROSTER_H

#include <stdint.h>

struct error;
struct roster;
struct session;

struct roster *roster_new(unsigned max_sessions);
void roster_free(struct roster **r); /* must be empty */
/* 0, or -1 with a sentence that names max_sessions. */
int roster_has_room(const struct roster *r, struct error *err);
void roster_add(struct roster *r, struct session *s);
void roster_remove(struct roster *r, struct session *s); /* before session_free */
/* Of a smaller number than are open none is ended: no more are let in. */
void roster_set_max(struct roster *r, unsigned max_sessions);
unsigned roster_count(const struct roster *r);
/* Ends those that are idle for longer than idle_timeout_ms, first their utterance and, when that has been told, themselves; to be
 * called about once a second. */
void roster_look(struct roster *r, uint64_t now_ns);
/* session_leave_soon and session_commit_unasked, for all of them. */
void roster_leave_all(struct roster *r, unsigned retry_after_ms);
void roster_commit_all(struct roster *r);
/* Ends all of them with this reason. */
void roster_abort_all(struct roster *r, const struct error *why);

typedef void roster_each_f(void *arg, const struct session *s);
void roster_each(const struct roster *r, roster_each_f *f, void *arg);

#endif
