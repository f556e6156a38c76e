/* error: why something failed, in one sentence for people and one code for programs.
 * The caller owns the struct, so an error costs no allocation and survives lack of memory.
 * The function that knows the values words the sentence; a caller above may only prefix it.
 * Any process, any thread. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

enum error_code {
	ERROR_NONE = 0,
	ERROR_INVALID, /* the client asked for something that cannot be; asking again will not help */
	ERROR_CONFIG,     /* the configuration or the command line is wrong */
	ERROR_LIMIT,      /* a bound, named in the text, was passed */
	ERROR_BUSY,       /* no room now; asking again later may help */
	ERROR_TIMEOUT,    /* something took longer than it may */
	ERROR_PEER,       /* the other end of a socket broke the protocol or went away */
	ERROR_ENGINE,     /* the recogniser could not do it */
	ERROR_SYSTEM,     /* the machine could not do it: memory, descriptors, disk */
	ERROR_OVERLOADED, /* audio comes faster than it is heard, and may not be kept back */
	ERROR_RESTARTING, /* the server is going away; another one is there, or will be soon */
	ERROR_FORBIDDEN,  /* the client's key does not allow it */
	ERROR_SESSIONS,   /* the client's key has as many sessions open as it may */
	ERROR_QUOTA,      /* the client's key has used up its audio */
	ERROR_CODES,
};

struct error {
	enum error_code code;
	char text[256]; /* one sentence without a full stop; always terminated */
};

#define ERROR_INIT                                                                                 \
	{                                                                                          \
		ERROR_NONE, ""                                                                     \
	}

/* Fills *err and returns -1, so that a failure is `return error_set(err, ...)`. */
int error_set(struct error *err, enum error_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of errno added. */
int error_set_errno(struct error *err, enum error_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "<prefix>: " before the text. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The name a program may compare: "invalid", "limit", ... Never NULL. */
const char *error_code_name(enum error_code code);

#endif
