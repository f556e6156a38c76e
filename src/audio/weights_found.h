/* weights_found: the weights of vad_silero for tests and benchmarks, where this machine has them: in
 * $STENOPOOL_MODELS, or else where the server's own are. */
#ifndef AUDIO_WEIGHTS_FOUND_H
#define AUDIO_WEIGHTS_FOUND_H

#include <stddef.h>

struct vad_silero_weights;

/* The file's bytes, which the caller frees; NULL: it is not there. */
unsigned char *weights_found_bytes(size_t *n_out);
/* The caller frees them. NULL: they are not there, or are none, which stderr is told. */
struct vad_silero_weights *weights_found(void);

#endif
