/* openai_realtime_detection: the `turn_detection` of a Realtime session: null, server_vad with its times, or semantic_vad with its
 * eagerness; kept as it is shown. Pure. */
#ifndef ACCESS_OPENAI_REALTIME_DETECTION_H
#define ACCESS_OPENAI_REALTIME_DETECTION_H

#include <jansson.h>

#include "audio/endpoint.h"

struct realtime_patch;

/* As the settings have it. */
json_t *realtime_detection_default(const struct endpoint_config *settings);
/* What becomes of `was` by a client's v, a new one: what is not said of the same type stays, another type begins as the settings
 * have it. Times are brought into the endpointer's range. NULL: refused by the patch. */
json_t *realtime_detection_patched(const struct realtime_patch *p, const json_t *was,
    const json_t *v, const struct endpoint_config *settings);
/* What it means; what it does not speak of is left in *out. */
void realtime_detection_read(const json_t *detection, struct endpoint_config *out);

#endif
