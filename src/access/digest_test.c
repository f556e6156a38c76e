#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/digest.h"
#include "session/work.h"

/* Has one job at a time, which the test runs. */
struct fake {
	struct work work; /* first */
	struct work_item *item;
	unsigned jobs;
};

static void submit(struct work *w, struct work_item *item)
{
	struct fake *f = (struct fake *)w;

	assert_null(f->item);
	f->item = item;
	f->jobs++;
}

static void run_one(struct fake *f)
{
	struct work_item *item = f->item;

	f->item = NULL;
	item->run(item->arg);
	item->done(item->arg);
}

static void on_done(void *arg, const char *hex)
{
	(void)strcpy(arg, hex);
}

static void expect(const char *bytes, size_t n, unsigned jobs, const char *want)
{
	struct fake f = { .work.submit = submit };
	char hex[DIGEST_HEX_BYTES] = "";
	struct digest *d = digest_start(&f.work, bytes, n, on_done, NULL, hex);

	assert_string_equal(hex, ""); /* not from inside */
	while (f.item != NULL)
		run_one(&f);
	assert_string_equal(hex, want);
	assert_int_equal(f.jobs, jobs);
	digest_free(&d);
	assert_null(d);
	digest_free(&d);
}

static void a_short_body_is_one_job(void **state)
{
	(void)state;
	expect(NULL, 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* FIPS 180-4's million of 'a'. */
static void a_long_body_is_read_in_pieces(void **state)
{
	char *million = malloc(1000000);

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	expect(million, 1000000, 8,
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

static void one_that_is_freed_at_work_says_nothing_and_reads_nothing_more(void **state)
{
	struct fake f = { .work.submit = submit };
	char hex[DIGEST_HEX_BYTES] = "", *bytes = calloc(1, 2 * DIGEST_PIECE_BYTES);
	struct digest *d = digest_start(&f.work, bytes, 2 * DIGEST_PIECE_BYTES, on_done, NULL, hex);

	(void)state;
	digest_free(&d);
	free(bytes);
	run_one(&f);
	assert_null(f.item);
	assert_string_equal(hex, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_body_is_one_job),
		cmocka_unit_test(a_long_body_is_read_in_pieces),
		cmocka_unit_test(one_that_is_freed_at_work_says_nothing_and_reads_nothing_more),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
