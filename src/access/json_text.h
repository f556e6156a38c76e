/* json_text: what the protocols share in reading and writing JSON. Pure. */
#ifndef ACCESS_JSON_TEXT_H
#define ACCESS_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* Text comes from an instance, which nobody vouches for: what is not UTF-8 is made so byte by byte. NULL: no memory. */
json_t *json_text_of(const char *bytes, size_t n);
/* Seconds with three decimals at most. */
json_t *json_text_seconds(uint64_t ms);
/* 0..1 with four digits, which is what an instance tells; more would be noise of the conversion. */
json_t *json_text_confidence(float c);
/* One JSON object, to be given back with json_decref; NULL and a sentence for whoever sent it when it is none. */
json_t *json_text_read_object(const char *text, size_t n, struct error *err);
/* "an object", "text", "a number", "null", ...: for sentences. */
const char *json_text_kind(const json_t *v);
/* At most `max` bytes of `text`, with no character cut: a precision for "%.*s". */
int json_text_whole_characters(const char *text, int max);

#endif
