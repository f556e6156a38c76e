/* config_value: between the text of a setting and the field it stands for, as the setting's row says.
 * Server process, before the loop runs. */
#ifndef CLI_CONFIG_VALUE_H
#define CLI_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config_table.h"

struct config_pool;
struct error;

/* Sets the field in `object`, the section's struct (struct config for [server] and [vad]). `key` as it was written. -1
 * and a sentence that names the value and what is allowed; then nothing has changed. */
int config_value_apply(const struct config_row *row, void *object, const char *key,
    const char *value, struct error *err);
/* Whether the pool's engine is given a parameter of that name. */
bool config_value_has_param(const struct config_pool *pool, const char *name);
/* Its value, or NULL when it is not given; `name` has `n` bytes. Lent. */
const char *config_value_param(const struct config_pool *pool, const char *name, size_t n);
/* Gives it one, in the place of that it has; -1: it has as many as it may. */
int config_value_set_param(
    struct config_pool *pool, const char *name, const char *value, struct error *err);
/* Of two structs of the row's section; not for parameters. */
bool config_value_is_same(const struct config_row *row, const void *a, const void *b);
void config_value_copy(const struct config_row *row, void *into, const void *from);
void config_value_copy_params(struct config_pool *into, const struct config_pool *from);
/* What the field holds, as a person would write it; "unset" and "empty" for texts that are. Not for parameters. */
void config_value_text(
    const struct config_row *row, const void *object, char *out, size_t out_bytes);
/* Gives all fields of the section in `object` their defaults; texts in it must be NULL. */
void config_value_defaults(enum config_section section, void *object);
/* Frees the texts of the section in `object`. */
void config_value_done(enum config_section section, void *object);

/* "1 to 1024 instances", "utterance, session or reset". */
void config_value_allowed(const struct config_row *row, char *out, size_t out_bytes);
enum { CONFIG_INITIAL_BYTES = 256 }; /* has room for every default */
/* The default as a person would write it; "" when there is none. */
void config_value_initial(const struct config_row *row, char *out, size_t out_bytes);
unsigned config_value_cores(void); /* that this machine has: at least 1 */

#endif
