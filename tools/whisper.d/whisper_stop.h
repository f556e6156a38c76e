/* whisper_stop: a computation of whisper.cpp can be stopped from inside, between any two of its steps. The library itself asks
 * only between its encoder and each token. */
#ifndef WHISPER_STOP_H
#define WHISPER_STOP_H

#include <stdbool.h>

/* `f` is asked after each step of all computing that goes on in this process: true stops it, whisper_full fails, and the
 * state is as good as before. NULL: nobody is asked. One thread. */
void whisper_stop_ask(bool (*f)(void *arg), void *arg);

#endif
