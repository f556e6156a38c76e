#include "cli/transcribe_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

enum { KEY_BYTES = 512 }; /* with its end; as long as a server takes */

/* The first line, without its end; a longer one is cut where it is too long to be a key. */
static int read_line(const char *path, char line[KEY_BYTES + 1], struct error *err)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return error_set_errno(err, ERROR_CONFIG, "cannot read --key-file '%.100s'", path);
	if (fgets(line, KEY_BYTES + 1, f) == NULL)
		line[0] = '\0';
	(void)fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}

/* What could be read as more of the request, or as no header at all, is no key. */
static int check(const char *key, const char *from, struct error *err)
{
	size_t n = strlen(key);

	if (n == 0)
		return error_set(err, ERROR_CONFIG, "the key in %.100s is empty", from);
	if (n >= KEY_BYTES)
		return error_set(err, ERROR_CONFIG,
		    "the key in %.100s is longer than %d characters", from, KEY_BYTES - 1);
	for (size_t i = 0; i < n; i++)
		if (key[i] <= ' ' || key[i] > '~')
			return error_set(err, ERROR_CONFIG,
			    "the key in %.100s has a character that no key has: only ASCII without "
			    "spaces is allowed",
			    from);
	return 0;
}

int transcribe_key_header(const char *path, const char *otherwise, char **header, struct error *err)
{
	char line[KEY_BYTES + 1];
	const char *key = path != NULL ? line : otherwise;
	size_t size;

	*header = NULL;
	if (key == NULL)
		return 0;
	if (path != NULL && read_line(path, line, err) != 0)
		return -1;
	if (check(key, path != NULL ? path : "STENOPOOL_KEY", err) != 0)
		return -1;
	size = strlen(key) + sizeof "Authorization: Bearer \r\n";
	*header = xcalloc(1, size);
	(void)snprintf(*header, size, "Authorization: Bearer %s\r\n", key);
	return 0;
}
