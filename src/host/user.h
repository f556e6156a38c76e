/* user: as whom a host runs that root has started. Host process, before the model is loaded. */
#ifndef HOST_USER_H
#define HOST_USER_H

struct error;

/* Becomes the user of that name, with the groups it has; "": stenopool if there is such an account, else nobody. There
 * is no way back. Nothing happens for "root", and where this process does not run as root. */
int user_become(const char *name, struct error *err);

#endif
