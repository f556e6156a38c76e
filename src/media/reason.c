/* ffmpeg says "[mp3 @ 0x5581fe] what the demuxer saw" and then "pipe:0: Invalid data found when processing input", with
 * more or fewer general lines around it. The last line of a part goes before the last general one. */
#include "media/reason.h"

#include <string.h>

#include "base/util.h"

/* Lines that begin so say nothing. */
static const char *const idle[] = { "Conversion failed", "Error while", "Error opening",
	"Error marking", "Output #", "Input #", "Last message repeated", "Cannot determine format",
	"Terminating thread", "Task finished", "Nothing was written", "Output file" };

/* Where the file comes from is nobody's concern. */
static const char *const places[] = { "pipe:0: ", "file:/dev/stdin: ", "/dev/stdin: " };

/* What the lines of ffmpeg 4 to 7 have in them. */
static const struct {
	const char *words;
	enum reason_kind kind;
} kinds[] = {
	{ "Cannot allocate memory", REASON_MEMORY },
	{ "Format not on whitelist", REASON_FOREIGN },
	{ "matches no streams", REASON_NO_AUDIO },
	{ "does not contain any stream", REASON_NO_AUDIO },
	{ "Decoder (codec ", REASON_CODEC },
	{ "no decoder found for: ", REASON_CODEC },
	{ "moov atom not found", REASON_NO_INDEX },
	{ "File ended prematurely", REASON_CUT },
	{ "End of file", REASON_CUT },
	{ "Input/output error", REASON_CUT },
};

/* Behind these words stands the codec's name. */
static const char *const before_name[] = { "(codec ", "found for: " };

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const char *behind_part(const char *line)
{
	const char *end = line[0] == '[' ? strstr(line, "] ") : NULL;

	return end == NULL ? line : behind_part(end + 2);
}

static const char *behind_places(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (begins(line, places[i]))
			return line + strlen(places[i]);
	return line;
}

static bool is_idle(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		if (begins(line, idle[i]))
			return true;
	return line[0] == '\0';
}

/* Of what a file may have put there only plain characters go on, and no path. */
static void keep(struct reason *r, const char *line)
{
	size_t n = 0;

	for (; *line != '\0' && n < sizeof r->text - 1; line++)
		r->text[n++] = *line >= ' ' && *line <= '~' ? *line : '?';
	while (n > 0 && (r->text[n - 1] == '.' || r->text[n - 1] == ' '))
		n--;
	r->text[n] = '\0';
}

static void keep_name(struct reason *r, const char *line)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(before_name); i++) {
		const char *at = strstr(line, before_name[i]);

		if (at == NULL)
			continue;
		at += strlen(before_name[i]);
		while (n < sizeof r->name - 1 &&
		    ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_'))
			r->name[n++] = *at++;
		r->name[n] = '\0';
	}
	if (strcmp(r->name, "none") == 0)
		r->name[0] = '\0';
}

static void find_kind(struct reason *r, const char *line)
{
	enum reason_kind kind = REASON_DAMAGED;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(line, kinds[i].words) != NULL)
			kind = MAX(kind, kinds[i].kind);
	if (kind == REASON_CODEC)
		keep_name(r, line);
	r->kind = MAX(r->kind, kind);
}

static void end_line(struct reason *r)
{
	const char *behind, *line;

	r->line[r->n] = '\0';
	r->n = 0;
	behind = behind_part(r->line);
	line = behind_places(behind);
	if (line[0] != '\0')
		find_kind(r, line);
	if (is_idle(line) || strchr(line, '/') != NULL)
		return;
	if (r->specific && behind == r->line)
		return;
	r->specific = behind != r->line;
	keep(r, line);
}

void reason_feed(struct reason *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			end_line(r);
		else if (bytes[i] != '\0' && r->n < sizeof r->line - 1)
			r->line[r->n++] = bytes[i];
	}
}

const char *reason_finish(struct reason *r)
{
	if (r->n > 0)
		end_line(r);
	return r->text;
}
