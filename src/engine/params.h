/* params: values of an engine's parameters, read as its table declares them (struct engine_param_info). */
#ifndef ENGINE_PARAMS_H
#define ENGINE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

struct engine_param_info;
struct error;

/* NULL: the table has none of that key. */
const struct engine_param_info *params_find(
    const struct engine_param_info *table, size_t n, const char *key);

/* Both: -1 and ERROR_CONFIG with what is allowed; then *out is as it was. */
int params_number(
    const struct engine_param_info *info, const char *value, double *out, struct error *err);
int params_flag(
    const struct engine_param_info *info, const char *value, bool *out, struct error *err);

#endif
