/* spectrum: the power spectrum of a 25 ms frame. The tables are made once and shared by all streams; a
 * call keeps nothing. Any thread. */
#ifndef AUDIO_SPECTRUM_H
#define AUDIO_SPECTRUM_H

#include <stdint.h>

enum {
	SPECTRUM_FRAME = 400, /* samples of 16 kHz */
	SPECTRUM_FFT = 512,   /* 31.25 Hz a bin */
	SPECTRUM_FIRST = 3,   /* 94 Hz */
	SPECTRUM_LAST = 200,  /* 6,250 Hz */
	SPECTRUM_BINS = SPECTRUM_LAST - SPECTRUM_FIRST + 1,
};

/* -1 when memory is out. Must have succeeded once before spectrum_power. */
int spectrum_prepare(void);
/* power[i] is that of bin SPECTRUM_FIRST + i, scaled so that white noise has its variance in each bin. */
void spectrum_power(const int16_t *frame, float *power);

#endif
