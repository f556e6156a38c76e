#include "base/name_list.h"

#include <string.h>

#define SEPARATORS " \t,"

const char *name_list_next(const char **list, size_t *n_out)
{
	const char *name = *list + strspn(*list, SEPARATORS);

	*n_out = strcspn(name, SEPARATORS);
	*list = name + *n_out;
	return *n_out > 0 ? name : NULL;
}

static bool is_same(const char *item, size_t n, const char *name)
{
	return strlen(name) == n && memcmp(item, name, n) == 0;
}

static bool fits(const char *item, size_t n, const char *name)
{
	return item[n - 1] == '*' ? strncmp(item, name, n - 1) == 0 : is_same(item, n, name);
}

static bool has(const char *list, const char *name, bool (*is)(const char *, size_t, const char *))
{
	const char *item;
	size_t n;

	while (list != NULL && (item = name_list_next(&list, &n)) != NULL)
		if (is(item, n, name))
			return true;
	return false;
}

bool name_list_has(const char *list, const char *name)
{
	return has(list, name, is_same);
}

bool name_list_matches(const char *list, const char *name)
{
	return has(list, name, fits);
}
