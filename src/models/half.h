/* half: numbers of 16 bits (IEEE 754 binary16). Pure. */
#ifndef MODELS_HALF_H
#define MODELS_HALF_H

#include <stdint.h>

float half_to_float(uint16_t half);
/* The nearest one, the even one of two; what is too large becomes infinite. */
uint16_t half_from_float(float f);

#endif
