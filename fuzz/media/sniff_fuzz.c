/* The beginning of a file, and what a decoder wrote about it. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "media/reason.h"
#include "media/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reason reason = { 0 };
	struct error err = ERROR_INIT;
	enum container found;

	if (sniff(data, size, &found, &err) == 0)
		assert(found < CONTAINERS && container_name(found) != NULL);
	else
		assert(err.text[0] != '\0');
	(void)sniff_order(CONTAINER_MP4, data, size);
	reason_feed(&reason, (const char *)data, size);

	for (const char *p = reason_finish(&reason); *p != '\0'; p++)
		assert(*p >= ' ' && *p <= '~');
	assert(reason.kind < REASON_KINDS &&
	    strspn(reason.name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(reason.name));
	return 0;
}
