#include <stdlib.h>

#include "access/twilio_internal.h"
#include "base/util.h"

static void free_hub(struct access_part *p)
{
	free(p);
}

struct twilio_hub *twilio_hub_of(struct access *a)
{
	if (a->twilio == NULL) {
		a->twilio = xcalloc(1, sizeof *a->twilio);
		a->twilio->part.free = free_hub;
		access_add_part(a, &a->twilio->part);
	}
	return a->twilio;
}

struct twilio_who twilio_call_who(const struct twilio_call *c)
{
	return (struct twilio_who){ c->call_sid, c->stream_sid };
}
