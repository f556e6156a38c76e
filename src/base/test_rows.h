/* test_rows: a table's rows as tests of their own, each by its name. For unit tests only, behind cmocka.h. */
#ifndef BASE_TEST_ROWS_H
#define BASE_TEST_ROWS_H

#include "base/util.h"

/* Puts a test for each row into tests[n] and on; a row has a `name`, and is the test's initial state. */
#define TEST_ROWS(tests, n, rows, test)                                                            \
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)                                              \
		(tests)[(n)++] = (struct CMUnitTest)                                               \
		{                                                                                  \
			(rows)[i].name, test, NULL, NULL, &(rows)[i]                               \
		}

#endif
