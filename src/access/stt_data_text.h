/* stt_data_text: what the data port of RealtimeSTT's stt-server makes of text and of audio. Pure. */
#ifndef ACCESS_STT_DATA_TEXT_H
#define ACCESS_STT_DATA_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The text as that server shows it: no blanks and no "..." before it, a capital first, no quote after "..." at the end. The caller
 * frees it; NULL: no memory. */
char *stt_sentence(const char *text, size_t n);

/* Bytes of stt_audio_base64 for n samples. */
size_t stt_audio_base64_bytes(size_t samples_n);
/* The samples as float32 LE, -1..1, in base64, zero-terminated; out has room for stt_audio_base64_bytes + 1. */
void stt_audio_base64(const int16_t *samples, size_t n, char *out);

#endif
