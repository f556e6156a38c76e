#define _GNU_SOURCE
#include "models/vosk_model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/tree.h"

#define PREFIX "vosk-model-"

enum { PATH_CAP = TREE_PATH_BYTES + 64, MAGIC_MAX = 4, NAME_MAX_BYTES = 60 };

/* What a file begins with. */
enum kind { TEXT, KALDI, FST, KINDS };

static const struct magic {
	unsigned n;
	uint8_t bytes[MAGIC_MAX];
	const char *what;
} magics[KINDS] = {
	[TEXT] = { 0, { 0 }, "text" },
	[KALDI] = { 2, { 0, 'B' }, "a binary file of Kaldi" },
	[FST] = { 4, { 0xd6, 0xfd, 0xb2, 0x7e }, "a graph of OpenFst" },
};

enum part { ACOUSTIC, FEATURES, CONFIG, WHOLE_GRAPH, LEXICON, GRAMMAR, DISAMBIGUATION, PARTS };

/* Where it is in the form with directories, and in the flat one (NULL: that has none). */
static const struct part_info {
	enum kind kind;
	const char *name, *flat;
} parts[PARTS] = {
	[ACOUSTIC] = { KALDI, "am/final.mdl", "final.mdl" },
	[FEATURES] = { TEXT, "conf/mfcc.conf", "mfcc.conf" },
	[CONFIG] = { TEXT, "conf/model.conf", NULL },
	[WHOLE_GRAPH] = { FST, "graph/HCLG.fst", "HCLG.fst" },
	[LEXICON] = { FST, "graph/HCLr.fst", "HCLr.fst" },
	[GRAMMAR] = { FST, "graph/Gr.fst", "Gr.fst" },
	[DISAMBIGUATION] = { TEXT, "graph/disambig_tid.int", "disambig_tid.int" },
};

static void path_of(char out[PATH_CAP], const char *dir, enum part part, bool is_flat)
{
	(void)snprintf(out, PATH_CAP, "%s/%s", dir, is_flat ? parts[part].flat : parts[part].name);
}

static bool has(const char *dir, enum part part, bool is_flat)
{
	char path[PATH_CAP];

	path_of(path, dir, part, is_flat);
	return access(path, F_OK) == 0;
}

static int check_head(const char *path, int fd, const struct magic *m, struct error *err)
{
	uint8_t head[MAGIC_MAX] = { 0 };
	struct stat st;
	ssize_t n = fstat(fd, &st) < 0 ? -1 : 0;

	if (n == 0 && !S_ISREG(st.st_mode))
		return error_set(err, ERROR_CONFIG, "%.160s is no file", path);
	if (n == 0)
		n = pread(fd, head, sizeof head, 0);
	if (n < 0)
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.160s", path);
	if (n == 0)
		return error_set(err, ERROR_CONFIG, "%.160s is empty", path);
	if ((size_t)n < m->n || memcmp(head, m->bytes, m->n) != 0)
		return error_set(err, ERROR_CONFIG, "%.160s is not %s", path, m->what);
	return 0;
}

static int check_part(const char *dir, enum part part, bool is_flat, struct error *err)
{
	char path[PATH_CAP];
	int fd, rc;

	if (is_flat && parts[part].flat == NULL)
		return 0;
	path_of(path, dir, part, is_flat);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERROR_CONFIG,
		    "%.120s is no whole model of Vosk: it has no %s", dir,
		    is_flat ? parts[part].flat : parts[part].name);
	if (fd < 0)
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.160s", path);
	rc = check_head(path, fd, &magics[parts[part].kind], err);
	fd_close(&fd);
	return rc;
}

bool vosk_model_is_like(const char *dir)
{
	return has(dir, ACOUSTIC, false) || has(dir, ACOUSTIC, true);
}

int vosk_model_check(const char *dir, struct vosk_model_info *out, struct error *err)
{
	static const enum part always[] = { ACOUSTIC, FEATURES, CONFIG };
	static const enum part put_together[] = { LEXICON, GRAMMAR, DISAMBIGUATION };
	bool flat = !has(dir, ACOUSTIC, false) && has(dir, ACOUSTIC, true);

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (check_part(dir, always[i], flat, err) < 0)
			return -1;
	*out = (struct vosk_model_info){ flat, !has(dir, WHOLE_GRAPH, flat) };
	if (!out->takes_phrases)
		return check_part(dir, WHOLE_GRAPH, flat, err);
	for (size_t i = 0; i < ARRAY_SIZE(put_together); i++)
		if (check_part(dir, put_together[i], flat, err) < 0)
			return -1;
	return 0;
}

/* ---- names ---- */

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

bool vosk_model_language(const char *name, char out[VOSK_MODEL_LANGUAGE_BYTES])
{
	static const char other[][2][4] = { { "cn", "zh" }, { "kz", "kk" }, { "vn", "vi" },
		{ "ua", "uk" }, { "spk", "" } };
	size_t n;

	name = path_last(name, &n);
	n = 0;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	name += strlen(PREFIX);
	name += strncmp(name, "small-", 6) == 0 ? 6 : 0;
	while (is_letter(name[n]))
		n++;
	if (n < 2 || n > 3 || (name[n] != '\0' && name[n] != '-' && name[n] != '/'))
		return false;
	(void)snprintf(out, VOSK_MODEL_LANGUAGE_BYTES, "%.*s", (int)n, name);
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		if (strcmp(out, other[i][0]) == 0)
			(void)strcpy(out, other[i][1]);
	return out[0] != '\0';
}

bool vosk_model_name_is_fit(const char *name)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t n = strlen(name);

	return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && n > strlen(PREFIX) &&
	    n <= NAME_MAX_BYTES && strspn(name, allowed) == n;
}
