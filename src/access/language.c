#include "access/language.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/name_list.h"
#include "base/util.h"

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_language(const char *name)
{
	return is_letter(name[0]) && is_letter(name[1]) &&
	    (name[2] == '\0' || name[2] == '-' || name[2] == '_');
}

void language_of(const char *name, char out[3])
{
	memcpy(out, is_language(name) ? name : "en", 2);
	out[2] = '\0';
}

static bool is_word(const char *asked, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(asked, word, n) == 0;
}

/* Engines have no regions. Three letters are the code of a language that has none of two. */
static bool read_code(const char *asked, size_t n, char out[LANGUAGE_BYTES])
{
	size_t letters = 0;

	while (letters < n && isalpha((unsigned char)asked[letters]))
		letters++;
	if (letters < 2 || letters > 3 || is_word(asked, n, "any") ||
	    (letters < n && asked[letters] != '-' && asked[letters] != '_'))
		return false;
	for (size_t i = 0; i < letters; i++)
		out[i] = (char)tolower((unsigned char)asked[i]);
	out[letters] = '\0';
	return true;
}

bool language_code(const char *languages, char out[LANGUAGE_BYTES])
{
	const char *asked;
	size_t n;

	while ((asked = name_list_next(&languages, &n)) != NULL) {
		if (is_word(asked, n, "auto") || is_word(asked, n, "multi")) {
			(void)strcpy(out, "auto");
			return true;
		}
		if (read_code(asked, n, out))
			return true;
	}
	out[0] = '\0';
	return false;
}

/* What a client asks for may be written in capitals; `n` bytes of it. */
static bool read_asked(const char *asked, size_t n, char out[3])
{
	if (n < 2 || (n > 2 && asked[2] != '-' && asked[2] != '_'))
		return false;
	for (int i = 0; i < 2; i++)
		out[i] = (char)tolower((unsigned char)asked[i]);
	out[2] = '\0';
	return is_language(out);
}

static bool is_set(const struct language_pool *pool)
{
	return pool->languages != NULL && pool->languages[0] != '\0';
}

/* A code of a list has the same letters. */
static bool list_has(const char *languages, const char *asked, size_t asked_n)
{
	char own[LANGUAGE_BYTES], other[LANGUAGE_BYTES];
	const char *name;
	size_t n;

	if (!read_code(asked, asked_n, other))
		return false;
	while ((name = name_list_next(&languages, &n)) != NULL)
		if (read_code(name, n, own) && strcmp(own, other) == 0)
			return true;
	return false;
}

static bool is_of(const struct language_pool *pool, const char *asked, size_t n)
{
	char own[3], other[3];

	if (is_set(pool))
		return list_has(pool->languages, asked, n);
	language_of(pool->name, own);
	return read_asked(asked, n, other) && memcmp(own, other, 2) == 0;
}

static bool hears_any(const struct language_pool *pool, const char *asked, size_t n)
{
	char code[LANGUAGE_BYTES];

	if (!read_code(asked, n, code))
		return false;
	return is_set(pool) ? name_list_has(pool->languages, "any")
			    : pool->is_told && !is_language(pool->name);
}

bool language_is_of(const struct language_pool *pool, const char *language)
{
	size_t n = strlen(language);

	return is_of(pool, language, n) || hears_any(pool, language, n);
}

static void first_of(const struct language_pool *pool, char out[LANGUAGE_BYTES])
{
	char named[3];

	if (is_set(pool) && language_code(pool->languages, out))
		return;
	language_of(pool->name, named);
	memcpy(out, named, sizeof named);
}

void language_told(const char *heard, const struct language_pool *pool, char out[LANGUAGE_BYTES])
{
	if (heard == NULL || heard[0] == '\0')
		first_of(pool, out);
	else
		(void)snprintf(out, LANGUAGE_BYTES, "%s", heard);
}

static bool next_of_list(const char *languages, size_t *at, char out[LANGUAGE_BYTES])
{
	const char *list = languages + *at, *name;
	size_t n;

	while ((name = name_list_next(&list, &n)) != NULL) {
		*at = (size_t)(list - languages);
		if (read_code(name, n, out))
			return true;
	}
	return false;
}

static bool next_known(size_t *at, char out[LANGUAGE_BYTES])
{
	const char *code = language_known(*at);

	if (code == NULL)
		return false;
	(void)snprintf(out, LANGUAGE_BYTES, "%s", code);
	(*at)++;
	return true;
}

bool language_next(const struct language_pool *pool, size_t *at, char out[LANGUAGE_BYTES])
{
	if (hears_any(pool, "en", 2))
		return next_known(at, out);
	if (is_set(pool))
		return next_of_list(pool->languages, at, out);
	if ((*at)++ > 0)
		return false;
	first_of(pool, out);
	return true;
}

/* Of a list it is enough that one of them is heard; a word that is no code, such as "multi", asks for nothing that could be missed. */
static bool asks_for_other(const struct language_pool *pool, const char *languages)
{
	const char *asked;
	char code[3];
	size_t n;
	bool other = false;

	while ((asked = name_list_next(&languages, &n)) != NULL) {
		if (!read_asked(asked, n, code) || is_of(pool, asked, n) ||
		    hears_any(pool, asked, n) || (pool->is_told && !is_set(pool)))
			return false;
		other = true;
	}
	return other;
}

bool language_word_other(const struct language_pool *pool, const char *languages, struct error *out)
{
	char asked[41];

	if (!asks_for_other(pool, languages))
		return false;
	(void)snprintf(asked, sizeof asked, "%s", languages);
	for (char *c = asked; *c != '\0'; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?'; /* it goes into JSON and headers */
	(void)error_set(out, ERROR_NONE,
	    "language \"%s\" is not heard for this client; what it says is heard by pool \"%.40s\"",
	    asked, pool->name);
	return true;
}

/* The same letters, a region's sign written either way. */
static bool is_called(const struct language_pool *called, const char *asked, size_t n)
{
	const char *pool = called->name;

	for (size_t i = 0; i < n; i++) {
		char a = pool[i] == '_' ? '-' : pool[i], b = asked[i] == '_' ? '-' : asked[i];

		if (tolower((unsigned char)a) != tolower((unsigned char)b))
			return false;
	}
	return pool[n] == '\0';
}

static int choose_for(const char *asked, size_t n, const struct language_pool *pools,
    unsigned pools_n, bool (*fits)(const struct language_pool *pool, const char *asked, size_t n))
{
	for (unsigned i = 0; i < pools_n; i++)
		if (pools[i].name != NULL && fits(&pools[i], asked, n))
			return (int)i;
	return -1;
}

int language_choose(const char *languages, const struct language_pool *pools, unsigned n)
{
	static bool (*const fits[])(
	    const struct language_pool *, const char *, size_t) = { is_called, is_of, hears_any };
	const char *asked;
	size_t length;
	int i = -1;

	while (i < 0 && (asked = name_list_next(&languages, &length)) != NULL) {
		for (size_t k = 0; i < 0 && k < ARRAY_SIZE(fits); k++)
			i = choose_for(asked, length, pools, n, fits[k]);
	}
	return i;
}
