/* json_text: what the protocols share in reading and writing JSON. Pure. */
#ifndef ACCESS_JSON_TEXT_H
#define ACCESS_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* Text comes from an instance, which nobody vouches for: what is not UTF-8 is made so byte by byte. NULL: no memory. */
json_t *json_text_of(const char *bytes, size_t n);
/* Seconds with three decimals at most. */
json_t *json_text_seconds(uint64_t ms);
/* 0..1 with four digits, which is what an instance tells; more would be noise of the conversion. */
json_t *json_text_confidence(float c);
/* More than any client has a use for. A message that is nothing but values would take the reader, and with it everybody else,
 * seconds; the length of a text in it does not matter. */
enum { JSON_TEXT_VALUES_MAX = 10000 };
/* For who reads it otherwise than the two below: -1 and a sentence when it has more. */
int json_text_check(const char *text, size_t n, struct error *err);
/* JSON that a client sent, to be given back with json_decref; NULL and a sentence for the client when it is none. */
json_t *json_text_read(const char *text, size_t n, struct error *err);
/* The same where it must be an object. */
json_t *json_text_read_object(const char *text, size_t n, struct error *err);
/* Clients' languages differ in what they make of a number and of a flag: either may come as the other, or as text ("16000", "true").
 * false: it is neither. NULL is neither. */
bool json_text_number(const json_t *v, double *out);
bool json_text_flag(const json_t *v, bool *out);
/* A whole number from min to max, which some write as 16000.0 or "16000"; false: it is none, and *out as it was. */
bool json_text_whole(const json_t *v, unsigned min, unsigned max, unsigned *out);
/* "an object", "text", "a number", "null", ...: for sentences. */
const char *json_text_kind(const json_t *v);
/* At most `max` bytes of `text`, with no character cut: a precision for "%.*s". */
int json_text_whole_characters(const char *text, int max);

#endif
