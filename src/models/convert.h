/* convert: a Whisper model in CTranslate2's form -> the file that whisper.cpp reads, of 16 bits. Of OpenAI's models the result is
 * byte for byte what whisper.cpp publishes. Pure: bytes in memory to a function that is given them in order. */
#ifndef MODELS_CONVERT_H
#define MODELS_CONVERT_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct convert_input {
	const uint8_t *model; /* model.bin; borrowed, as the vocabulary */
	size_t model_n;
	const uint8_t *vocabulary; /* vocabulary.txt */
	size_t vocabulary_n;
};

/* -1 with a reason ends the conversion. */
typedef int convert_write_f(void *arg, const void *bytes, size_t n, struct error *err);

/* -1: the input is no such model, in a sentence, or `write` failed; what was written then is of no use. */
int convert_ct2(
    const struct convert_input *in, convert_write_f *write, void *arg, struct error *err);

#endif
