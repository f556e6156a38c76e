/* test_skip: a unit test that cannot be here says why; tools/run-tests prints it. For unit tests only, behind cmocka.h. */
#ifndef BASE_TEST_SKIP_H
#define BASE_TEST_SKIP_H

#include <stdio.h>

static inline void test_skip(const char *why)
{
	(void)printf("skipped: %s\n", why);
	skip();
}

#endif
