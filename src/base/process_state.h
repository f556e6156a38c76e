/* process_state: what the kernel says a process is doing. Any thread. */
#ifndef BASE_PROCESS_STATE_H
#define BASE_PROCESS_STATE_H

/* The letter of proc(5): 'R' runs, 'S' sleeps, 'T' and 't' are stopped, 'Z' waits to be reaped. 0: it cannot be known. */
char process_state(int pid);

#endif
