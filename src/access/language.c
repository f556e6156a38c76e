#include "access/language.h"

#include <string.h>

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

bool language_is_of(const char *pool, const char *language)
{
	char own[3];

	language_of(pool, own);
	return is_language(language) && memcmp(own, language, 2) == 0;
}

bool language_may_be_of(const char *pool, const char *language)
{
	return !is_language(pool) || !is_language(language) || memcmp(pool, language, 2) == 0;
}
