/* exits: how stenopool-decoder tells the server that it has executed nothing; the same as shells have. */
#ifndef BASE_EXITS_H
#define BASE_EXITS_H

enum {
	EXIT_NOT_CONFINED = 126, /* or not executed; a sentence is on its stderr */
	EXIT_NOT_FOUND = 127,    /* there is no such program */
};

#endif
