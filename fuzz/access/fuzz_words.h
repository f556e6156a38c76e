/* fuzz_words: texts made of whole words. JSON is parsed by a library that the fuzzer cannot look into, so from bytes alone it
 * would hardly ever find an object. */
#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* For each byte the word of that number, modulo words_n, as long as there is room; bytes from 0xf0 up stand for the one that
 * follows them. Returns the bytes written. */
size_t fuzz_words(const char *const *words, size_t words_n, const uint8_t *bytes, size_t n,
    uint8_t *out, size_t room);

#endif
