/* wyoming_frame: the Wyoming protocol's events as bytes. An event is a line of JSON with its type; then as many bytes of JSON
 * as the line's data_length says, which go over the line's own data; then as many of audio as its payload_length says. Pure. */
#ifndef ACCESS_WYOMING_FRAME_H
#define ACCESS_WYOMING_FRAME_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct error;

/* The line alone: what the readers of the protocol's other implementations take. */
enum { WYOMING_LINE_BYTES = 65536 };

struct wyoming_event { /* lent, until the next wyoming_read or wyoming_reader_done */
	const char *type;
	const json_t *data; /* an object; never NULL */
	const uint8_t *payload;
	size_t payload_n;
};

enum wyoming_part { WYOMING_LINE, WYOMING_DATA, WYOMING_PAYLOAD };

struct wyoming_reader { /* plain data; embed it */
	enum wyoming_part part;
	struct buffer bytes;      /* of the part that is not whole yet */
	size_t max_bytes;         /* max_message_bytes: of data and payload together */
	json_t *line;             /* owned; the event in work or the last one; NULL: none */
	json_t *data;             /* owned; as line */
	size_t data_n, payload_n; /* that the line has announced */
};

enum wyoming_progress { WYOMING_MORE, WYOMING_EVENT, WYOMING_BAD };

/* max_bytes: the setting max_message_bytes, by which refusals call it. */
void wyoming_reader_init(struct wyoming_reader *r, size_t max_bytes);
void wyoming_reader_done(struct wyoming_reader *r);
/* Takes bytes up to the end of an event and no further; *taken_out of them. MORE: it is not whole, and all were taken.
 * BAD: *err is a sentence for the client, and the reader is of no more use, as nobody knows where the next event begins. */
enum wyoming_progress wyoming_read(struct wyoming_reader *r, const uint8_t *bytes, size_t n,
    size_t *taken_out, struct wyoming_event *event, struct error *err);

/* An event without a payload, to be freed by the caller; takes data, of which NULL and {} are none. NULL: no memory. */
char *wyoming_write(const char *type, json_t *data, size_t *n_out);

#endif
