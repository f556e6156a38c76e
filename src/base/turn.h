/* turn: how an object tells others what became of it, when what they do about it may be anything, freeing the object
 * included. What is to be told is queued on the object, and the object here; at the end of the loop's turn, when no code of
 * it is under way, turn_run lets each object tell one thing after the other. So nobody is called back from inside a call
 * of his own, and nobody has to look afterwards whether he is still there.
 *
 * Loop thread only. */
#ifndef BASE_TURN_H
#define BASE_TURN_H

#include <stdbool.h>

struct turn;

struct
    teller { /* embedded in the object; plain data, zeroed it has nothing to tell, but needs `tell` */
	struct teller *prev, *next;
	struct turn *turn; /* NULL: it is not queued */
	/* Tells one thing. What tells is queued no more; if it has more to tell it calls turn_add before anything else. Its last
	 * act is the call that may free it. */
	void (*tell)(struct teller *t);
};

struct turn { /* plain data, zeroed is empty */
	struct teller *first, *last;
	struct turn_flush *flushes; /* under way, the innermost first */
	bool running;
};

void turn_add(struct turn *turn, struct teller *t); /* no effect if it is queued */
/* Before it goes, or when it has nothing to tell any more. */
void turn_remove(struct turn *turn, struct teller *t);
/* Until nobody has anything to tell. From the loop: at the end of a turn, before it waits. No effect from inside. */
void turn_run(struct turn *turn);
/* All that this one has to tell, now; for whoever must have told it before he goes on, and bears that it calls him back. It
 * may be freed meanwhile, by turn_remove. */
void turn_flush(struct turn *turn, struct teller *t);

#endif
