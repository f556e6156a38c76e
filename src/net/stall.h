/* stall: whether a peer still takes what is sent to it: a look now and then at how much it has taken. Pure. */
#ifndef NET_STALL_H
#define NET_STALL_H

#include <stdbool.h>
#include <stdint.h>

struct stall {               /* plain data; zeroed with limit_ms set is the start */
	unsigned limit_ms;   /* 0: never stalled */
	uint64_t taken;      /* bytes, at the last look */
	uint64_t since_ms;   /* it has taken nothing since */
	uint64_t look_at_ms; /* the next look; 0: there is nothing it has not taken */
};

/* Something is about to be sent. True: look_at_ms was set. */
bool stall_begin(struct stall *s, uint64_t taken, uint64_t now_ms);
/* `taken` is how much of all that was sent the peer has; `left` is the rest. True: it has taken nothing for limit_ms, and is
 * told so at most a quarter of that later. */
bool stall_look(struct stall *s, uint64_t taken, uint64_t left, uint64_t now_ms);

#endif
