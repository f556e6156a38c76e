/* ct2: a model in CTranslate2's form (model.bin, format 6): named variables, one behind the other. Read in place; pure. */
#ifndef MODELS_CT2_H
#define MODELS_CT2_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct ct2;

enum { CT2_DIMS_MAX = 4, CT2_FLOAT16 = 4 };

struct ct2_variable {
	const char *name; /* not terminated; lent, as the data */
	size_t name_n;
	unsigned dims_n;
	uint32_t dims[CT2_DIMS_MAX]; /* the outermost first */
	uint8_t type;                /* CT2_FLOAT16, or another of CTranslate2's */
	const uint8_t *data;
	size_t bytes; /* as much as dims and type say, if that is CT2_FLOAT16 */
};

/* Borrows the bytes until ct2_free. NULL: they are no such model; the sentence says what is wrong with it. */
struct ct2 *ct2_new(const uint8_t *data, size_t n, struct error *err);
void ct2_free(struct ct2 **c); /* NULL is fine */

/* NULL: there is none of that name, with the name in the sentence. */
const struct ct2_variable *ct2_find(const struct ct2 *c, const char *name, struct error *err);
/* How many layers "decoder" or "encoder" has. */
uint32_t ct2_layers(const struct ct2 *c, const char *side);

#endif
