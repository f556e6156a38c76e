/* vad_weights: the weights of the learned speech detector, from the file that `stenopool models pull` fetches.
 * Blocks while it reads 0.9 MB. */
#ifndef CLI_VAD_WEIGHTS_H
#define CLI_VAD_WEIGHTS_H

struct error;
struct vad_silero_weights;

/* enum by its words in the settings: auto, silero, statistical. */
enum vad_choice { VAD_CHOICE_AUTO, VAD_CHOICE_SILERO, VAD_CHOICE_STATISTICAL };

/* The caller frees them. NULL and a sentence, with the pull command in it, when the file is nowhere, or is not that file; the
 * error's code is ERROR_CONFIG then. */
struct vad_silero_weights *vad_weights_load(struct error *err);

#endif
