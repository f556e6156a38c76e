#include "access/entries.h"
#include "net/tcp.h"

void wyoming_accept(struct access *a, const struct access_listener *l, struct tcp *t)
{
	(void)a;
	(void)l;
	tcp_drop(t);
}
