/* vosk_fake: a directory that looks like a model of Vosk, for tests: what must be there with the bytes that it must begin with. */
#ifndef MODELS_VOSK_FAKE_H
#define MODELS_VOSK_FAKE_H

#include <stdbool.h>

enum vosk_fake_form { VOSK_FAKE_USUAL, VOSK_FAKE_WHOLE_GRAPH, VOSK_FAKE_FLAT };

/* `dir` is made if it is not there. False: the disk did not take it. */
bool vosk_fake_make(const char *dir, enum vosk_fake_form form);
/* A file in it, whatever was there; with the directories on the way. */
bool vosk_fake_write(const char *dir, const char *name, const char *text);

#endif
