/* The file of keys, line by line. No sentence here quotes the digest: one who mistakes the file puts the key itself there. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "access/keys.h"
#include "access/keys_internal.h"
#include "base/error.h"
#include "base/util.h"

enum {
	LINE_MAX_BYTES = 1024,
	KEYS_MAX = 10000, /* every one is compared with at each connection */
};

struct reading {
	struct keys *keys;
	unsigned *lines; /* owned: where each key stands, in the table's order */
	unsigned line;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_digest(const char *text, uint8_t digest[KEYS_DIGEST_BYTES], struct error *err)
{
	bool good = strlen(text) == 2u * KEYS_DIGEST_BYTES;

	for (size_t i = 0; good && i < KEYS_DIGEST_BYTES; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		good = high >= 0 && low >= 0;
		digest[i] = (uint8_t)(good ? high << 4 | low : 0);
	}
	if (good)
		return 0;
	return error_set(err, ERROR_CONFIG,
	    "what follows the name is not a SHA-256 of 64 hexadecimal digits; stenopool keys add "
	    "writes such a line");
}

/* Whether one of `rest` sets the same as `option`. */
static bool is_given_again(const char *option, const char *rest)
{
	size_t n = strcspn(option, "=") + 1;

	while (*rest != '\0') {
		if (strncmp(rest, option, n) == 0)
			return true;
		rest += keys_option_length(rest);
		rest += *rest == ',';
	}
	return false;
}

static int parse_options(char *text, struct key *key, struct error *err)
{
	bool more = text != NULL && *text != '\0';

	while (more) {
		char *end = text + keys_option_length(text);

		more = *end == ',';
		*end = '\0';
		if (keys_set_option(key, text, err) != 0)
			return -1;
		if (more && is_given_again(text, end + 1))
			return error_set(err, ERROR_CONFIG, "%.*s is given twice",
			    (int)strcspn(text, "="), text);
		text = end + 1;
	}
	return 0;
}

static int parse_key(char *text, struct key *key, struct error *err)
{
	char *rest = text, *name = strsep(&rest, ":"), *digest = strsep(&rest, ":");

	*key = (struct key){ .priority = PRIORITY_NORMAL };
	if (digest == NULL)
		return error_set(err, ERROR_CONFIG,
		    "this is no key; a line is NAME:SHA256:OPTIONS, as stenopool keys add writes "
		    "it");
	if (keys_set_name(key, name, err) != 0 || parse_digest(digest, key->digest, err) != 0)
		return -1;
	return parse_options(rest, key, err);
}

/* A name stands for one client, and so does a key. */
static int check_new(const struct reading *r, const struct key *key, struct error *err)
{
	for (unsigned i = 0; i < r->keys->count; i++) {
		const struct key *other = &r->keys->keys[i];

		if (strcmp(other->name, key->name) == 0)
			return error_set(err, ERROR_CONFIG,
			    "the name %s is given twice; first in line %u", key->name, r->lines[i]);
		if (memcmp(other->digest, key->digest, KEYS_DIGEST_BYTES) == 0)
			return error_set(err, ERROR_CONFIG,
			    "%s has the key of %s in line %u; each name needs a key of its own",
			    key->name, other->name, r->lines[i]);
	}
	if (r->keys->count == KEYS_MAX)
		return error_set(err, ERROR_CONFIG, "there can be at most %d keys", KEYS_MAX);
	return 0;
}

static int take_line(struct reading *r, char *text, struct error *err)
{
	size_t n = strlen(text);
	struct key key;

	while (n > 0 && strchr(" \t\r", text[n - 1]) != NULL)
		text[--n] = '\0';
	text += strspn(text, " \t");
	if (*text == '\0' || *text == '#')
		return 0;
	if (parse_key(text, &key, err) != 0 || check_new(r, &key, err) != 0)
		return -1;
	if (keys_append(r->keys, &key) != 0)
		return error_set(err, ERROR_SYSTEM, "no memory for the keys");
	r->lines[r->keys->count - 1] = r->line;
	return 0;
}

/* 1: a line, 0: the end, -1: neither. */
static int read_line(FILE *from, char line[LINE_MAX_BYTES], struct error *err)
{
	size_t n = 0;
	int c;

	while ((c = getc(from)) != EOF && c != '\n' && c != '\0' && n + 1 < LINE_MAX_BYTES)
		line[n++] = (char)c;
	line[n] = '\0';
	if (c == '\n' || (c == EOF && n > 0))
		return 1;
	if (c == EOF)
		return 0;
	if (c == '\0')
		return error_set(
		    err, ERROR_CONFIG, "there is a zero byte in this line; is this a text file?");
	return error_set(
	    err, ERROR_CONFIG, "the line is too long; at most %d bytes", LINE_MAX_BYTES - 1);
}

static int read_lines(struct reading *r, FILE *from, struct error *err)
{
	char line[LINE_MAX_BYTES];
	int got;

	do {
		r->line++;
		got = read_line(from, line, err);
		if (got > 0)
			got = take_line(r, line, err) == 0 ? 1 : -1;
	} while (got > 0);
	return got;
}

int keys_read(struct keys **out, FILE *from, const char *name, struct error *err)
{
	struct reading r = {
		.keys = xcalloc(1, sizeof *r.keys),
		.lines = xcalloc(KEYS_MAX, sizeof *r.lines),
	};
	int rc = read_lines(&r, from, err);

	free(r.lines);
	if (rc != 0) {
		keys_free(&r.keys);
		return error_prefix(err, "%.100s:%u", name, r.line);
	}
	if (ferror(from)) {
		keys_free(&r.keys);
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", name);
	}
	*out = r.keys;
	return 0;
}

int keys_load(struct keys **out, const char *path, struct error *err)
{
	FILE *from = fopen(path, "re");
	int rc;

	if (from == NULL)
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", path);
	rc = keys_read(out, from, path, err);
	(void)fclose(from);
	return rc;
}
