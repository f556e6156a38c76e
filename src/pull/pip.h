/* pip: has the machine's own pip download a wheel: where Python's packages come from is its business. Command line; blocks. */
#ifndef PULL_PIP_H
#define PULL_PIP_H

struct error;

/* The only wheel in `dir`, which is there and empty, is then the one asked for; its path in out[cap]. -1: what pip said last of
 * an error, or that there is no pip. */
int pip_download(const char *package, const char *version, const char *dir, unsigned timeout_s,
    char *out, unsigned cap, struct error *err);

#endif
