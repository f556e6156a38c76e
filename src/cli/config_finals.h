/* config_finals: a pool may name others that bring the finals of its sessions ([pool NAME] finals). Whether those can is known when all
 * settings are. Server process, before the loop runs. */
#ifndef CLI_CONFIG_FINALS_H
#define CLI_CONFIG_FINALS_H

#include <stddef.h>

struct config;
struct config_pool;
struct config_row;
struct error;

/* The pool of that name, `n` bytes; NULL: there is none. Lent. */
const struct config_pool *config_finals_pool(const struct config *c, const char *name, size_t n);
/* The row was set in the section `object`, in that line of the file; 0: not by the file. Of other rows nothing is kept. */
void config_finals_note(const struct config_row *row, void *object, unsigned line);
/* -1: *err names file and line, if it is from there. */
int config_finals_check(const struct config *c, const struct config_pool *p, struct error *err);

#endif
