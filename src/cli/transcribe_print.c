/* On a terminal the last lines of the screen are ours: one a file. Before anything else is printed they are taken away,
 * and drawn again below it, all in one write so that nothing flickers. Lines are not wrapped but cut at the edge, or
 * we would not know how many there are to take away. */
#define _GNU_SOURCE
#include "cli/transcribe_print.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"

#define REDRAW_NS (50 * NS_PER_MS) /* progress alone redraws no more often */

enum { STATUS_BYTES = 80, BAR_CELLS = 16, NAME_CELLS = 24 };

struct file {
	const char *name;          /* borrowed */
	char status[STATUS_BYTES]; /* "queued, place 3" */
	char *partial;             /* owned; NULL: none */
	uint64_t sent_ms, total_ms;
	bool ended;
};

struct transcribe_print {
	enum transcribe_print_style style;
	struct file *files; /* owned */
	unsigned files_n;
	unsigned drawn; /* lines on the screen that are ours */
	uint64_t drawn_at_ns;
};

struct transcribe_print *transcribe_print_new(
    enum transcribe_print_style style, const char *const *files, unsigned files_n)
{
	struct transcribe_print *p = xcalloc(1, sizeof *p);

	p->style = style;
	p->files = xcalloc(files_n, sizeof *p->files);
	p->files_n = files_n;
	for (unsigned i = 0; i < files_n; i++) {
		p->files[i].name = files[i];
		(void)snprintf(p->files[i].status, STATUS_BYTES, "connecting");
	}
	return p;
}

/* The server's text is not trusted: control characters would reach the terminal. */
static void print_text(FILE *to, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) /* U+0080 to U+009F */
			c++;
		else
			(void)putc(*c < 0x20 || *c == 0x7f ? ' ' : *c, to);
	}
}

/* The last `columns` characters of UTF-8 text. */
static const char *tail(const char *text, size_t columns)
{
	const char *p = text + strlen(text);

	while (p > text && columns > 0) {
		p--;
		if (((unsigned char)*p & 0xc0) != 0x80)
			columns--;
	}
	return p;
}

static void draw_bar(FILE *to, const struct file *f)
{
	uint64_t cells =
	    f->total_ms > 0 ? MIN(f->sent_ms, f->total_ms) * BAR_CELLS / f->total_ms : 0;

	if (f->total_ms == 0) {
		(void)fprintf(to, " %.1f s ", (double)f->sent_ms / 1000);
		return;
	}
	(void)putc('[', to);
	for (uint64_t i = 0; i < BAR_CELLS; i++)
		(void)putc(i < cells ? '#' : '.', to);
	(void)fprintf(to, "] ");
}

static void draw_file(
    FILE *to, const struct transcribe_print *p, const struct file *f, unsigned columns)
{
	const char *slash = strrchr(f->name, '/');
	const char *name = tail(slash != NULL ? slash + 1 : f->name, NAME_CELLS);
	unsigned used = BAR_CELLS + 3;

	if (p->files_n > 1) {
		print_text(to, name);
		(void)fputs("  ", to);
		used += (unsigned)strlen(name) + 2;
	}
	draw_bar(to, f);
	if (*f->status != '\0')
		print_text(to, f->status);
	else if (f->partial != NULL)
		print_text(to, tail(f->partial, columns > used ? columns - used : 10));
	(void)putc('\n', to);
}

static void erase(FILE *to, struct transcribe_print *p)
{
	if (p->drawn > 0)
		(void)fprintf(to, "\r\033[%uA\033[J", p->drawn);
	p->drawn = 0;
}

static void draw(FILE *to, struct transcribe_print *p)
{
	struct winsize size = { 0 };
	unsigned rows;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
		size.ws_row = 24;
		size.ws_col = 80;
	}
	rows = size.ws_row > 2 ? size.ws_row - 2u : 1;
	(void)fputs("\033[?7l", to);
	for (unsigned i = 0; i < p->files_n && p->drawn < rows; i++) {
		if (p->files[i].ended)
			continue;
		draw_file(to, p, &p->files[i], size.ws_col);
		p->drawn++;
	}
	(void)fputs("\033[?7h", to);
}

/* Erases, prints a line if there is one, draws; in one write. */
static void refresh(struct transcribe_print *p, const struct file *f, const char *line)
{
	char *bytes = NULL;
	size_t n;
	FILE *to = open_memstream(&bytes, &n);

	if (to == NULL)
		return;
	if (p->style == TRANSCRIBE_PRINT_LIVE)
		erase(to, p);
	if (line != NULL) {
		if (p->files_n > 1) {
			print_text(to, f->name);
			(void)fputs(": ", to);
		}
		print_text(to, line);
		(void)putc('\n', to);
	}
	if (p->style == TRANSCRIBE_PRINT_LIVE)
		draw(to, p);
	(void)fclose(to);
	(void)fwrite(bytes, 1, n, stdout);
	(void)fflush(stdout);
	free(bytes);
	p->drawn_at_ns = clock_now_ns();
}

static void print_json(const struct transcribe_print *p, unsigned file, json_t *event)
{
	json_t *line = json_object();
	char *text;

	(void)json_object_set_new(line, "file", json_string_nocheck(p->files[file].name));
	(void)json_object_update_missing(line, event);
	text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (text != NULL)
		(void)puts(text);
	(void)fflush(stdout);
	free(text);
	json_decref(line);
}

static void set_partial(struct file *f, const char *text)
{
	free(f->partial);
	f->partial = text != NULL ? xstrdup(text) : NULL;
	*f->status = '\0';
}

static void set_queued(struct file *f, const json_t *event)
{
	json_int_t place = json_integer_value(json_object_get(event, "position"));
	json_int_t wait_ms = json_integer_value(json_object_get(event, "estimated_wait_ms"));

	if (wait_ms > 0)
		(void)snprintf(f->status, STATUS_BYTES, "queued, place %lld, about %lld s",
		    (long long)place, (long long)(wait_ms + 999) / 1000);
	else
		(void)snprintf(f->status, STATUS_BYTES, "queued, place %lld", (long long)place);
}

void transcribe_print_event(struct transcribe_print *p, unsigned file, json_t *event)
{
	struct file *f = &p->files[file];
	const char *type = json_string_value(json_object_get(event, "type"));
	const char *text = json_string_value(json_object_get(event, "text"));
	const char *line = NULL;

	if (p->style == TRANSCRIBE_PRINT_JSON) {
		print_json(p, file, event);
		return;
	}
	if (type == NULL)
		return;
	if (strcmp(type, "final") == 0) {
		set_partial(f, NULL);
		line = text != NULL && *text != '\0' ? text : NULL;
	} else if (strcmp(type, "partial") == 0) {
		set_partial(f, text);
	} else if (strcmp(type, "queued") == 0) {
		set_queued(f, event);
	} else if (strcmp(type, "ready") == 0 || strcmp(type, "speech_start") == 0) {
		set_partial(f, NULL);
	} else if (strcmp(type, "recovered") == 0) {
		(void)snprintf(f->status, STATUS_BYTES, "the recogniser died, once more");
	}
	if (line != NULL || p->style == TRANSCRIBE_PRINT_LIVE)
		refresh(p, f, line);
}

void transcribe_print_progress(
    struct transcribe_print *p, unsigned file, uint64_t sent_ms, uint64_t total_ms)
{
	struct file *f = &p->files[file];

	f->sent_ms = sent_ms;
	f->total_ms = total_ms;
	if (p->style == TRANSCRIBE_PRINT_LIVE && clock_now_ns() - p->drawn_at_ns >= REDRAW_NS)
		refresh(p, f, NULL);
}

void transcribe_print_end(struct transcribe_print *p, unsigned file, const struct error *why)
{
	struct file *f = &p->files[file];

	f->ended = true;
	if (p->style == TRANSCRIBE_PRINT_LIVE) {
		erase(stdout, p);
		(void)fflush(stdout);
	}
	if (why != NULL) {
		(void)fputs("stenopool transcribe: ", stderr);
		print_text(stderr, f->name);
		(void)fputs(": ", stderr);
		print_text(stderr, why->text);
		(void)putc('\n', stderr);
	}
	if (p->style == TRANSCRIBE_PRINT_LIVE)
		refresh(p, f, NULL);
}

int transcribe_print_free(struct transcribe_print **print)
{
	struct transcribe_print *p = *print;

	*print = NULL;
	if (p == NULL)
		return 0;
	if (p->style == TRANSCRIBE_PRINT_LIVE)
		erase(stdout, p);
	for (unsigned i = 0; i < p->files_n; i++)
		free(p->files[i].partial);
	free(p->files);
	free(p);
	return fflush(stdout) != 0 || ferror(stdout) ? -1 : 0;
}
