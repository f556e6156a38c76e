#include "cli/status_page.h"

#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "access/client.h"
#include "base/util.h"
#include "monitor/memory.h"
#include "monitor/monitor.h"
#include "net/http.h"
#include "session/work.h"

struct status_page {
	struct work_item item;
	const struct monitor *monitor;
	struct memory *memory;   /* owned; the job's while it runs */
	struct http_exchange *x; /* NULL once the client has left */
};

static void run(void *arg)
{
	struct status_page *p = arg;

	memory_read(p->memory);
}

static void answer(struct status_page *p)
{
	char *text = monitor_status(p->monitor, p->memory);
	const struct http_answer a = { .status = text == NULL ? 500 : 200,
		.content_type = "application/json",
		.body = text,
		.body_bytes = text == NULL ? 0 : strlen(text) };

	http_respond(p->x, &a);
	free(text);
}

static void done(void *arg)
{
	struct status_page *p = arg;

	if (p->x != NULL)
		answer(p);
	memory_free(&p->memory);
	free(p);
}

void status_page_get(const struct monitor *m, struct work *work, struct http_exchange *x)
{
	struct status_page *p = xcalloc(1, sizeof *p);

	p->item = (struct work_item){ .run = run, .done = done, .arg = p };
	p->monitor = m;
	p->memory = memory_new(m);
	p->x = x;
	http_set_data(x, p);
	work->submit(work, &p->item);
}

void status_page_abort(struct http_exchange *x)
{
	struct status_page *p = http_data(x);

	if (p != NULL)
		p->x = NULL;
}

bool status_page_client_of(void *arg, uint64_t session, struct monitor_client *out)
{
	const struct client *c = access_client_of(arg, session);

	if (c == NULL)
		return false;
	*out = (struct monitor_client){ c->key[0] == '\0' ? NULL : c->key, c->priority };
	return true;
}
