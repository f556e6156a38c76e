/* sum: the SHA-256 of bytes as they come, and of a file. Any process; a file's blocks while it is read. */
#ifndef MODELS_SUM_H
#define MODELS_SUM_H

#include <stddef.h>

struct error;
struct sum;

enum { SUM_HEX_BYTES = 65 }; /* 64 digits, and the end */

struct sum *sum_new(void); /* never NULL */
void sum_add(struct sum *s, const void *bytes, size_t n);
/* The sum of all that was added, in small hexadecimal digits; frees. */
void sum_finish(struct sum **s, char hex[SUM_HEX_BYTES]);
void sum_free(struct sum **s); /* NULL is fine */

/* -1: it cannot be read, with the path. */
int sum_of_file(const char *path, char hex[SUM_HEX_BYTES], struct error *err);
/* -1: it cannot be read, or has another sum: a sentence with the path and both. Digits may be large ones. */
int sum_check_file(const char *path, const char *hex, struct error *err);

#endif
