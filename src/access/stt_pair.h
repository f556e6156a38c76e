/* stt_pair: which control connection of RealtimeSTT's stt-server belongs to which data connection. Nothing in the protocol says so,
 * but a client opens both from one address, so of those that are open there, with the same key, the oldest without a partner
 * is taken. Either may be alone. Pure. */
#ifndef ACCESS_STT_PAIR_H
#define ACCESS_STT_PAIR_H

#include <stdbool.h>
#include <stdint.h>

struct stt_settings;

enum stt_side { STT_CONTROL, STT_DATA };

/* One connection; embedded in it. */
struct stt_end {
	struct stt_end *prev, *next;
	struct stt_end *other; /* its partner, or NULL */
	enum stt_side side;
	char address[64]; /* without the port */
	uint64_t tenant;
	const struct stt_settings *settings; /* a control connection's: what was set there; lent */
};

struct stt_pairs { /* in the order of opening; zeroed is empty */
	struct stt_end *first, *last;
};

/* "1.2.3.4:80" and "[::1]:80" without their port. */
void stt_end_set_address(struct stt_end *e, const char *peer);
/* Adds it, its side, address and tenant being set, and pairs it if there is one to be paired with: e->other. */
void stt_pairs_add(struct stt_pairs *p, struct stt_end *e);
/* Takes it out; its partner is paired with another one if there is one waiting, and is returned, paired or not; NULL: it had
 * none. No effect on one that is not in it. */
struct stt_end *stt_pairs_remove(struct stt_pairs *p, struct stt_end *e);

/* There is nobody else at its address and with its key, so that its partner is its own for certain. */
bool stt_pairs_is_certain(const struct stt_pairs *p, const struct stt_end *e);

#endif
