/* catalogue_table: the rows of the catalogue. An object file of its own, so that a test can be linked with other ones. */
#ifndef MODELS_CATALOGUE_TABLE_H
#define MODELS_CATALOGUE_TABLE_H

#include <stddef.h>

#include "models/catalogue.h"

extern const struct model catalogue_table[];
extern const size_t catalogue_table_n;

#endif
