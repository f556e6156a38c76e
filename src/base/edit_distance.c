#include "base/edit_distance.h"

#include <string.h>

#include "base/util.h"

unsigned edit_distance(const char *written, const char *meant)
{
	unsigned row[EDIT_DISTANCE_MAX_BYTES + 1], n = (unsigned)strlen(meant);

	if (n > EDIT_DISTANCE_MAX_BYTES)
		return n;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; *written != '\0'; i++, written++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned changed = diagonal + (*written != meant[j - 1]);

			diagonal = row[j];
			row[j] = MIN(changed, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}
