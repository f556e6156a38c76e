/*   READING --an append--> CHECKING --all is base64--> GIVING --enough--> WAITING --go on--> GIVING
 *   and from each, once there is no more to say, --> OVER
 * Each step is a job of the size of one of the ear's, so that it holds up nobody else's there either. What is checked is
 * decoded twice, which costs less than to keep it. */
#include "access/openai_realtime_large.h"

#include <stdlib.h>

#include "access/openai_realtime_patch.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "session/work.h"

enum state { READING, CHECKING, GIVING, WAITING, OVER };

struct realtime_large {
	struct work *work;
	const struct realtime_large_events *events;
	void *arg;
	enum state state;
	bool working; /* the fields below are the job's */
	bool reporting, freed;

	struct work_item item;
	struct buffer message;
	struct realtime_command command; /* lends from the message */
	size_t at;                       /* characters of its audio */
	uint8_t piece[REALTIME_PIECE_BYTES];
	long rc; /* bytes in the piece, or -1 with these: */
	struct error err;
	struct realtime_blame blame;
};

static void run(void *arg)
{
	struct realtime_large *l = arg;

	if (l->state == READING)
		l->rc = realtime_command_read(&l->command, (const char *)buffer_head(&l->message),
		    l->message.len, &l->err, &l->blame);
	else
		l->rc = realtime_command_audio(&l->command, &l->at, l->piece, &l->err, &l->blame);
}

static void free_if_freed(struct realtime_large *l)
{
	if (!l->freed || l->working || l->reporting)
		return;
	realtime_command_done(&l->command);
	buffer_done(&l->message);
	free(l);
}

static void submit(struct realtime_large *l)
{
	if (l->freed)
		return;
	l->working = true;
	l->work->submit(l->work, &l->item);
}

static void end(struct realtime_large *l)
{
	l->state = OVER;
	if (!l->freed)
		l->events->on_end(l->arg);
}

static void tell(struct realtime_large *l)
{
	if (!l->freed)
		l->events->on_command(l->arg, &l->command, l->rc < 0 ? &l->err : NULL, &l->blame);
}

static void on_read(struct realtime_large *l)
{
	if (l->rc == 0 && l->command.kind == REALTIME_APPEND && l->command.audio_n > 0) {
		l->state = CHECKING;
		submit(l);
		return;
	}
	tell(l);
	end(l);
}

static void on_checked(struct realtime_large *l)
{
	bool all = l->at == l->command.audio_n;

	if (l->rc >= 0 && !all) {
		submit(l);
		return;
	}
	tell(l);
	if (l->rc < 0) {
		end(l);
		return;
	}
	l->state = GIVING;
	l->at = 0;
	submit(l);
}

static void on_decoded(struct realtime_large *l)
{
	bool more = !l->freed && l->events->on_audio(l->arg, l->piece, (size_t)l->rc);

	if (l->at == l->command.audio_n)
		end(l);
	else if (more)
		submit(l);
	else
		l->state = WAITING;
}

static void done(void *arg)
{
	struct realtime_large *l = arg;

	l->working = false;
	l->reporting = true;
	if (l->state == READING)
		on_read(l);
	else if (l->state == CHECKING)
		on_checked(l);
	else
		on_decoded(l);
	l->reporting = false;
	free_if_freed(l);
}

struct realtime_large *realtime_large_new(struct work *work, struct buffer *message,
    const struct realtime_large_events *events, void *arg)
{
	struct realtime_large *l = xcalloc(1, sizeof *l);

	l->work = work;
	l->events = events;
	l->arg = arg;
	l->message = *message;
	buffer_init(message, l->message.max);
	l->item = (struct work_item){ .run = run, .done = done, .arg = l };
	submit(l);
	return l;
}

void realtime_large_go_on(struct realtime_large *l)
{
	if (l->state != WAITING)
		return;
	l->state = GIVING;
	submit(l);
}

void realtime_large_free(struct realtime_large **large)
{
	struct realtime_large *l = *large;

	*large = NULL;
	if (l == NULL)
		return;
	l->freed = true;
	free_if_freed(l);
}
