#include "access/entries.h"
#include "access/route.h"

void vosk_accept(struct access *a, struct http_exchange *x)
{
	(void)a;
	route_refuse(x, 501, "this protocol is not there yet", 0);
}
