/* binary_text: whether a message that may be audio is a command: clients that know one kind of frame only, or were written for a
 * server that does not look at it, send their commands in binary ones. Pure. */
#ifndef ACCESS_BINARY_TEXT_H
#define ACCESS_BINARY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A JSON object for all that can be seen without parsing: text from one brace to the other, with a key. Audio is not, nor is a packet
 * that begins with a length. */
bool binary_text_is_object(const void *bytes, size_t n);
/* This word, with a line's end behind it or not. */
bool binary_text_is_word(const void *bytes, size_t n, const char *word);

#endif
