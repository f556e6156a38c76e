/* openai_realtime_format: the `format` of a Realtime session's audio, in both dialects: {"type":"audio/pcm","rate":24000} and
 * "pcm16". Kept as the former. Pure. */
#ifndef ACCESS_OPENAI_REALTIME_FORMAT_H
#define ACCESS_OPENAI_REALTIME_FORMAT_H

#include <jansson.h>

#include "audio/format.h"

struct realtime_patch;

json_t *realtime_format_default(void);
/* What becomes of the format `was` by a client's v, a new one; NULL: refused by the patch. */
json_t *realtime_format_patched(const struct realtime_patch *p, const json_t *was, const json_t *v);
const char *realtime_format_flat(const json_t *format); /* "pcm16"; static */
struct format realtime_format_of(const json_t *format);

#endif
