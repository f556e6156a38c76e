#include "cli/models_progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

enum { BAR = 30, TERMINAL_PAUSE_MS = 100, LINE_PAUSE_MS = 1000 };

void models_progress_end(struct models_progress *p)
{
	if (p->is_drawn)
		(void)fputc('\n', stderr);
	p->is_drawn = false;
}

void models_progress_say(void *arg, const char *line)
{
	struct models_progress *p = arg;

	models_progress_end(p);
	p->begun_ns = 0;
	if (!p->is_quiet)
		(void)fprintf(stderr, "%s\n", line);
}

static void draw(uint64_t done, uint64_t total, double rate)
{
	static const char full[BAR + 1] = "##############################";
	int n = (int)(BAR * done / MAX(total, 1));

	(void)fprintf(stderr, "\r[%.*s%*s] %3u %%  %.1f of %.1f MB  %.1f MB/s ", n, full, BAR - n,
	    "", (unsigned)(100 * done / MAX(total, 1)), (double)done / 1e6, (double)total / 1e6,
	    rate / 1e6);
}

static void print(uint64_t done, uint64_t total)
{
	(void)fprintf(stderr, "%.1f of %.1f MB (%u %%)\n", (double)done / 1e6, (double)total / 1e6,
	    (unsigned)(100 * done / MAX(total, 1)));
}

/* Whether it is time for another sign; the first bytes only start the clock. */
static bool is_due(struct models_progress *p, uint64_t done, unsigned pause_ms, uint64_t now_ns)
{
	if (p->begun_ns == 0) {
		p->begun_ns = p->shown_ns = now_ns;
		p->begun_at = done;
	}
	if (now_ns - p->shown_ns < pause_ms * NS_PER_MS)
		return false;
	p->shown_ns = now_ns;
	return true;
}

void models_progress_show(void *arg, uint64_t done, uint64_t total)
{
	struct models_progress *p = arg;
	bool on_terminal = isatty(STDERR_FILENO) == 1;
	uint64_t now_ns = clock_now_ns();
	bool due = !p->is_quiet &&
	    is_due(p, done, on_terminal ? TERMINAL_PAUSE_MS : LINE_PAUSE_MS, now_ns);

	if (due && on_terminal)
		draw(done, total,
		    (double)(done - p->begun_at) * 1e9 / (double)MAX(now_ns - p->begun_ns, 1));
	else if (due)
		print(done, total);
	p->is_drawn = p->is_drawn || (due && on_terminal);
}
