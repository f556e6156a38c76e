/* fake, fake_whole: engines without a model, for tests. What they hear is a function of the samples: each 200 ms that
 * are not silent become one word. Words come from samples and model; confidence from these, from the
 * adaptation, and from RESIDUE: what this process heard before and nobody reset, so that a test of
 * isolation can fail.
 *
 * fake decodes as the audio comes. fake_whole only keeps it, and decodes all of it anew for each partial and for the
 * end; the words are the same. fake takes no wish; fake_whole takes all of them.
 *
 * Parameters: model=NAME, load_ms=N (loading takes so long), load_fail=TEXT, burn=FACTOR (decoding takes FACTOR
 * times the duration of the audio, in CPU time), end_ms=N (so long for `end`), reset_noop=yes (a reset that forgets
 * nothing), language=NAME (what is said to have been heard; else that which was wished for), tell_wishes=yes (each
 * wish is a last word of the final: engine/fake_wishes.h), passes_over=LIST (of prompt, hot_words, phrases: takes these no more),
 * raw_text=yes (does not say that its texts have capitals and full stops); of fake slow=FACTOR (sleeps FACTOR times the duration of the audio); of fake_whole decode_ms=N and
 * decode_factor=FACTOR (a decode sleeps so long, and so many times the audio), progress_ms=N (between two signs
 * of progress); and
 * faults: crash=WHERE, hang=WHERE, garbage=WHERE, exit=WHERE, fail=WHERE with WHERE one of begin, audio,
 * partial, end, of fake_whole also decode (amid one), and "@N" after it for only the N-th utterance of each process; leak=MB at each begin;
 * once=FILE: of all processes that have loaded with the same FILE, one lets a fault happen, once. FILE is made
 * at load, with a byte that says whether it has happened: 0 or 1.
 *
 * Faults can be in the audio too, so that a test chooses which session suffers: the six samples of
 * fake_marker, then three samples that say what (an enum fake_fault times FAKE_STEP), where (an enum
 * fake_where times FAKE_STEP, of those that are still to come) and an argument times FAKE_ARGUMENT_STEP.
 * Rounding of less than half a step does no harm; resampling does.
 *
 * crash: SIGSEGV. hang: no progress until the other end of descriptor 3 is closed. garbage: bytes that
 * are no message, written to descriptor 3, where the instance's socket is. leak: argument MB. exit: with
 * the argument as status. fail: an error for this utterance. open, socket, exec: what a confined instance is
 * killed for; where nothing stops them they say so on stderr, and open and socket fail the utterance. */
#ifndef ENGINE_FAKE_H
#define ENGINE_FAKE_H

#include <stdint.h>

enum fake_fault {
	FAKE_NONE,
	FAKE_CRASH,
	FAKE_HANG,
	FAKE_GARBAGE,
	FAKE_LEAK,
	FAKE_EXIT,
	FAKE_FAIL,
	FAKE_OPEN,
	FAKE_SOCKET,
	FAKE_EXEC,
	FAKE_FAULTS,
};

enum fake_where { FAKE_AUDIO, FAKE_PARTIAL, FAKE_END, FAKE_BEGIN, FAKE_DECODE, FAKE_WHERES };

enum {
	FAKE_BLOCK_SAMPLES = 3200, /* one word, or one silence */
	FAKE_LOUD = 100,           /* mean of |sample| from which a block is a word */
	FAKE_MARKER_SAMPLES = 6,
	FAKE_STEP = 1000,
	FAKE_ARGUMENT_STEP = 100,
};

extern const int16_t fake_marker[FAKE_MARKER_SAMPLES];

#endif
