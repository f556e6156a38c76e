/* transcribe_print: what the user sees of the transcription: texts alone, one line of JSON an event, or on a terminal a
 * line a file that is redrawn. Writes to stdout, complaints to stderr. Command line client, loop thread only. */
#ifndef CLI_TRANSCRIBE_PRINT_H
#define CLI_TRANSCRIBE_PRINT_H

#include <jansson.h>
#include <stdint.h>

struct error;
struct transcribe_print;

enum transcribe_print_style {
	TRANSCRIBE_PRINT_PLAIN, /* a line a final; with "FILE: " before it when there are several files */
	TRANSCRIBE_PRINT_JSON, /* a line an event, with "file" added */
	TRANSCRIBE_PRINT_LIVE, /* as plain, and below it a line a file with progress and partial text */
};

/* Borrows the names. */
struct transcribe_print *transcribe_print_new(
    enum transcribe_print_style style, const char *const *files, unsigned files_n);
/* Takes away the lines that are redrawn. -1: stdout could not be written. */
int transcribe_print_free(struct transcribe_print **p);

/* One of the server's events, an object; lent. */
void transcribe_print_event(struct transcribe_print *p, unsigned file, json_t *event);
/* total_ms 0: unknown. */
void transcribe_print_progress(
    struct transcribe_print *p, unsigned file, uint64_t sent_ms, uint64_t total_ms);
/* The file is done; why NULL: well. */
void transcribe_print_end(struct transcribe_print *p, unsigned file, const struct error *why);

#endif
