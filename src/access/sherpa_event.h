/* sherpa_event: what clients of sherpa-onnx are told, as JSON. A segment is an utterance; its partials and its final have its
 * number, from 0 up without a gap. Pure. */
#ifndef ACCESS_SHERPA_EVENT_H
#define ACCESS_SHERPA_EVENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "session/session.h"

/* What is heard so far; where its words stand is not known yet, so it has no tokens. NULL: no memory, as for all here. */
json_t *sherpa_partial(unsigned segment, uint64_t start_ms, const char *text, size_t n);
/* A word is a token, with a blank before it; timestamps count from the segment's start. */
json_t *sherpa_final(unsigned segment, const struct session_event *final);
/* A segment without words. */
json_t *sherpa_nothing(unsigned segment, uint64_t start_ms);
/* It is the last one. */
void sherpa_set_eof(json_t *final);
/* What a client of the offline server is told of a recording: one of which nothing is known yet, and a final of it more. NULL: no memory,
 * and nothing is added to it. */
json_t *sherpa_result(void);
void sherpa_result_add(json_t *result, const struct session_event *final);

#endif
