/* cage: what is taken from a decoder before it looks at a stranger's file. It has to be started, and find its libraries,
 * so it is not left with as little as an instance: it may read what is installed, make threads, use memory, and read and
 * write what it was given. stenopool-decoder, which is single-threaded. */
#ifndef DECODER_CAGE_H
#define DECODER_CAGE_H

struct error;

struct cage_config {
	int program; /* descriptor of what may be executed, and nothing else may; CAGE_PROGRAM_FD */
	const char *path;   /* the same */
	unsigned memory_mb; /* of address space */
	unsigned cpu_s;
};

/* Above all that the program can have, so that it can put nothing else in its place. */
enum { CAGE_PROGRAM_FD = 100, CAGE_DESCRIPTORS_MAX = 32 };

/* There is no way back: the user, the directory, other descriptors, the limits and the filter. -1 with a sentence. */
int cage_enter(const struct cage_config *cfg, struct error *err);

#endif
