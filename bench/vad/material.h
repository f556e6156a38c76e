/* material: clips of real speech joined to one signal, its labels, and noise to put over it.
 * The same on every machine and in every run. */
#ifndef VAD_MATERIAL_H
#define VAD_MATERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { MATERIAL_CLIPS = 9, MATERIAL_RATE_HZ = 16000, MATERIAL_HOP = 160 };

enum noise_kind { NOISE_WHITE, NOISE_PINK, NOISE_BABBLE, NOISE_KINDS };

struct material {
	float *clean; /* owned; whole hops */
	size_t n;
	bool *speech; /* owned; one label a hop */
	size_t hops;
	double speech_power;              /* mean over the labelled hops */
	size_t clip_from[MATERIAL_CLIPS]; /* in hops */
	size_t clip_to[MATERIAL_CLIPS];
};

/* Reads austen-*, lj001-* and jfk from `dir`. -1 and a sentence. */
int material_load(struct material *m, const char *dir, struct error *err);
void material_done(struct material *m);

/* m->n samples of clean speech with noise at the given SNR; an infinite one gives none. The caller frees
 * them. `seed` picks one of many noises of a kind. */
int16_t *material_mix(const struct material *m, enum noise_kind kind, double snr_db, unsigned seed);

#endif
