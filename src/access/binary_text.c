#include "access/binary_text.h"

#include <string.h>

#include "net/utf8.h"

/* {"":0} */
enum { OBJECT_BYTES_MIN = 6 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blanks(const char *text, size_t n, size_t at)
{
	while (at < n && is_blank(text[at]))
		at++;
	return at;
}

static size_t without_blanks(const char *text, size_t n)
{
	while (n > 0 && is_blank(text[n - 1]))
		n--;
	return n;
}

static bool is_text(const char *text, size_t n)
{
	struct utf8 u = { 0 };

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' && !is_blank(text[i]))
			return false;
	return utf8_take(&u, (const uint8_t *)text, n) && utf8_is_whole(&u);
}

bool binary_text_is_object(const void *bytes, size_t n)
{
	const char *text = bytes;
	size_t from, key;

	n = without_blanks(text, n);
	from = skip_blanks(text, n, 0);
	if (n - from < OBJECT_BYTES_MIN || text[from] != '{' || text[n - 1] != '}')
		return false;
	key = skip_blanks(text, n, from + 1);
	return text[key] == '"' && is_text(text + from, n - from);
}

bool binary_text_is_word(const void *bytes, size_t n, const char *word)
{
	const char *text = bytes;

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return n == strlen(word) && memcmp(bytes, word, n) == 0;
}
