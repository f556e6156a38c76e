#include "models/half.h"

#include <math.h>
#include <string.h>

static float float_of_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

float half_to_float(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t exponent = half >> 10 & 31, mantissa = half & 1023;

	if (exponent == 0) /* as many of the smallest there is, 2^-24 */
		return sign != 0 ? -ldexpf((float)mantissa, -24) : ldexpf((float)mantissa, -24);
	if (exponent == 31)
		return float_of_bits(sign | 0x7f800000 | mantissa << 13);
	return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* A mantissa of 24 bits loses its last `n`, to the nearest, the even one of two. */
static uint32_t round_off(uint32_t mantissa, unsigned n)
{
	uint32_t kept = mantissa >> n, lost = mantissa & ((1u << n) - 1), half = 1u << (n - 1);

	return kept + (lost > half || (lost == half && (kept & 1) != 0));
}

uint16_t half_from_float(float f)
{
	uint32_t bits, sign, mantissa;
	int exponent;

	memcpy(&bits, &f, sizeof bits);
	sign = bits >> 16 & 0x8000;
	exponent = (int)(bits >> 23 & 255) - 112;
	mantissa = bits & 0x7fffff;
	if (exponent == 255 - 112)
		return (uint16_t)(sign | 0x7c00 | (mantissa != 0 ? 0x200 : 0));
	if (exponent >= 31)
		return (uint16_t)(sign | 0x7c00);
	if (exponent < -10)
		return (uint16_t)sign;
	if (exponent <=
	    0) /* its leading bit is written out, and it is shifted by what is missing */
		return (uint16_t)(sign | round_off(mantissa | 0x800000, (unsigned)(14 - exponent)));
	/* What is carried out of the mantissa adds one to the exponent, as it should. */
	return (uint16_t)(sign + ((uint32_t)exponent << 10) + round_off(mantissa, 13));
}
