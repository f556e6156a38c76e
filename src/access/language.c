#include "access/language.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/name_list.h"

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

static bool is_of(const char *pool, const char *asked, size_t n)
{
	char own[3], other[3];

	language_of(pool, own);
	return read_asked(asked, n, other) && memcmp(own, other, 2) == 0;
}

bool language_is_of(const char *pool, const char *language)
{
	return is_of(pool, language, strlen(language));
}

/* Of a list it is enough that one of them is heard; a word that is no code, such as "multi", asks for nothing that could be missed. */
static bool asks_for_other(const char *pool, const char *languages)
{
	const char *asked;
	char code[3];
	size_t n;
	bool other = false;

	while ((asked = name_list_next(&languages, &n)) != NULL) {
		if (!read_asked(asked, n, code) || is_of(pool, asked, n))
			return false;
		other = true;
	}
	return other;
}

bool language_word_other(const char *pool, const char *languages, struct error *out)
{
	char asked[41];

	if (!asks_for_other(pool, languages))
		return false;
	(void)snprintf(asked, sizeof asked, "%s", languages);
	for (char *c = asked; *c != '\0'; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?'; /* it goes into JSON and headers */
	(void)error_set(out, ERROR_NONE,
	    "language \"%s\" is not heard for this client; what it says is heard by pool \"%.40s\"",
	    asked, pool);
	return true;
}

/* The same letters, a region's sign written either way. */
static bool is_called(const char *pool, const char *asked, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char a = pool[i] == '_' ? '-' : pool[i], b = asked[i] == '_' ? '-' : asked[i];

		if (tolower((unsigned char)a) != tolower((unsigned char)b))
			return false;
	}
	return pool[n] == '\0';
}

static int choose_for(const char *asked, size_t n, const char *const *pools, unsigned pools_n,
    bool (*fits)(const char *pool, const char *asked, size_t n))
{
	for (unsigned i = 0; i < pools_n; i++)
		if (pools[i] != NULL && fits(pools[i], asked, n))
			return (int)i;
	return -1;
}

int language_choose(const char *languages, const char *const *pools, unsigned n)
{
	const char *asked;
	size_t length;
	int i = -1;

	while (i < 0 && (asked = name_list_next(&languages, &length)) != NULL) {
		i = choose_for(asked, length, pools, n, is_called);
		if (i < 0)
			i = choose_for(asked, length, pools, n, is_of);
	}
	return i;
}
