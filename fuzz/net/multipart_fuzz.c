/* A form of any bytes, with a boundary short enough to be hit upon: whatever comes, it is split or refused in one sentence,
 * and its parts lie in the body, one behind the other. The bytes up to the first newline are the content type's end. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "net/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const char *type, const uint8_t *body, size_t n)
{
	struct multipart m;
	struct error err = ERROR_INIT;
	const uint8_t *at = body;

	if (multipart_read(&m, type, body, n, &err) != 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
		return;
	}
	assert(m.n <= MULTIPART_PARTS_MAX);
	for (size_t i = 0; i < m.n; i++) {
		assert(m.parts[i].bytes >= at && m.parts[i].bytes + m.parts[i].n <= body + n);
		assert(m.parts[i].name[0] != '\0');
		at = m.parts[i].bytes + m.parts[i].n;
	}
	multipart_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *line = n == 0 ? NULL : memchr(data, '\n', n);
	char type[128];

	check("multipart/form-data; boundary=x", data, n);
	if (line != NULL) {
		(void)snprintf(type, sizeof type, "multipart/form-data;%.*s", (int)(line - data),
		    (const char *)data);
		check(type, line + 1, (size_t)(data + n - line - 1));
	}
	return 0;
}
