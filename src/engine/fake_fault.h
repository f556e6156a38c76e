/* fake_fault: the faults of the fake engine (engine/fake.h): asked for by parameters or by the audio. */
#ifndef ENGINE_FAKE_FAULT_H
#define ENGINE_FAKE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/fake.h"

struct error;

struct fake_fault_plan { /* plain data; zeroed is: no faults */
	bool decodes;    /* whole: there is a place amid a decode */
	struct {
		bool armed;
		enum fake_where where;
		unsigned long nth; /* utterance; 0: each */
	} asked[FAKE_FAULTS];      /* by parameters */
	unsigned long leak_mb;
	unsigned char
	    *once; /* owned: the mapped byte of a file, shared with all who have it; or NULL */
	unsigned long utterances; /* begun in this process */
	enum fake_fault heard;    /* in the audio of this utterance, to happen at heard_where */
	enum fake_where heard_where;
	int heard_argument;
	int16_t recent[FAKE_MARKER_SAMPLES + 3]; /* ring of the last samples */
	uint64_t samples;                        /* of this utterance */
};

/* -1: a bad value, in *err. Keys that are no fault's do nothing. */
int fake_fault_param(
    struct fake_fault_plan *plan, const char *key, const char *value, struct error *err);
void fake_fault_leak(struct fake_fault_plan *plan, unsigned long mb); /* at each begin */
void fake_fault_done(struct fake_fault_plan *plan);

/* Each lets what was asked for this moment happen; -1 if that is the error of the utterance. */
int fake_fault_begin(struct fake_fault_plan *plan, struct error *err);
int fake_fault_audio(
    struct fake_fault_plan *plan, const int16_t *samples, size_t n, struct error *err);
int fake_fault_at(struct fake_fault_plan *plan, enum fake_where where, struct error *err);

#endif
