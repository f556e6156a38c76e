/* user: as whom a process runs that root has started: a host before it loads its model, a decoder before it is confined.
 * No process with threads. */
#ifndef BASE_USER_H
#define BASE_USER_H

struct error;

/* Becomes the user of that name, with the groups it has; "": stenopool if there is such an account, else nobody. There
 * is no way back. Nothing happens for "root", and where this process does not run as root. */
int user_become(const char *name, struct error *err);

#endif
