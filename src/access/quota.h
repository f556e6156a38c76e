/* quota: who has how many sessions open, and how much audio it has sent of what it may in an hour. Counted by tenant, so that
 * two sessions with one key are counted together, and a key that is given other limits keeps what it has used.
 *
 * Audio is metered by a leaky bucket (J. Turner, "New directions in communications", IEEE Communications Magazine 24:10,
 * 1986; as a meter it is the generic cell rate algorithm of ITU-T I.371): what is charged fills it, time empties it at
 * `minutes` an hour, and it is full at `minutes`. So a tenant that sent nothing for an hour may send `minutes` at once, and
 * from then on as fast as it empties. Audio that came is always charged whole, which can fill the bucket over its brim by one
 * charge a session; the tenant waits for that too. A new session asks for more than a drop: a full bucket has to have been
 * emptied for one minute of time first, so that nobody is told to come back for one more millisecond.
 *
 * A tenant without a session and with an empty bucket is forgotten. Server process, loop thread only; the caller has the
 * clock. */
#ifndef ACCESS_QUOTA_H
#define ACCESS_QUOTA_H

#include <stdint.h>

struct error;
struct quota;

enum { QUOTA_MINUTES_MAX = 1000000 };

struct quota_limits {
	unsigned sessions; /* open at once; 0: any number */
	unsigned minutes;  /* of audio an hour, up to QUOTA_MINUTES_MAX; 0: any amount */
};

struct quota *quota_new(void);
void quota_free(struct quota **q);

/* One session more. The limits count for all of the tenant's sessions from here on. -1: ERROR_SESSIONS or ERROR_QUOTA with a
 * sentence that names the limit, and when to come again; nothing was counted then. */
int quota_open(struct quota *q, uint64_t tenant, const struct quota_limits *limits, uint64_t now_ns,
    struct error *err, unsigned *retry_after_ms_out);
/* One less, of those that quota_open counted. */
void quota_close(struct quota *q, uint64_t tenant, uint64_t now_ns);
/* Audio that an open session sent. -1: it was more than the tenant may send, ERROR_QUOTA as above; it is counted all the same. */
int quota_charge(struct quota *q, uint64_t tenant, uint64_t audio_ms, uint64_t now_ns,
    struct error *err, unsigned *retry_after_ms_out);
/* Other limits for a tenant, if it is known: the sessions it has stay, even if they are too many now. */
void quota_limit(
    struct quota *q, uint64_t tenant, const struct quota_limits *limits, uint64_t now_ns);
/* Forgets those whose bucket has emptied meanwhile; to be called now and then. */
void quota_look(struct quota *q, uint64_t now_ns);

unsigned quota_tenants(const struct quota *q); /* known at this moment */
unsigned quota_sessions(const struct quota *q, uint64_t tenant);

#endif
