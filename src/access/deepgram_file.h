/* deepgram_file: Deepgram's interface to speech in files: one request, one file, one answer. Behind the routes; server
 * process, loop thread only. */
#ifndef ACCESS_DEEPGRAM_FILE_H
#define ACCESS_DEEPGRAM_FILE_H

#include <stdbool.h>

struct access;
struct http_exchange;

/* POST /v1/listen: */
void deepgram_file(struct access *a, struct http_exchange *x);
/* its header has come: who may not, or asks for what cannot be, is told before sending the file; */
void deepgram_file_header(struct access *a, struct http_exchange *x);
/* the client left before the answer. */
void deepgram_file_abort(struct http_exchange *x);
/* Whether clients of that request's target, its query included, expect refusals in Deepgram's form. */
bool deepgram_is_path(const char *target);

#endif
