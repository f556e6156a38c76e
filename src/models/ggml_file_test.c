/* What a library would trust and nobody may: files that are cut, swapped, damaged or something else. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/test_rows.h"
#include "models/ggml_fake.h"
#include "models/ggml_file.h"

static int check(const struct ggml_fake *f, struct ggml_file_info *info, struct error *err)
{
	return ggml_file_check_bytes("/m/x.bin", f->data, f->n, info, err);
}

static void test_a_whole_one_says_what_it_is(void **state)
{
	struct ggml_file_info info;
	struct error err = ERROR_INIT;
	struct ggml_fake f;

	(void)state;
	ggml_fake_make(&f, 51864, 0);
	assert_int_equal(check(&f, &info, &err), 0);
	assert_string_equal(info.type, "f16");
	assert_false(info.is_multilingual);
	assert_int_equal(info.sizes.audio_layers, 1);
	assert_int_equal(info.sizes.vocabulary, 51864);
	ggml_fake_quantise(&f);
	assert_int_equal(check(&f, &info, &err), 0);
	assert_string_equal(info.type, "q8_0");
	ggml_fake_done(&f);
}

static void test_one_of_many_languages_says_so(void **state)
{
	struct ggml_file_info info;
	struct error err = ERROR_INIT;
	struct ggml_fake f;

	(void)state;
	ggml_fake_make(&f, 51865, 1);
	assert_int_equal(check(&f, &info, &err), 0);
	assert_true(info.is_multilingual);
	ggml_fake_done(&f);
}

/* At every length but its own it is refused, in a sentence. */
static void test_no_part_of_it_is_whole(void **state)
{
	struct ggml_file_info info;
	struct error err;
	struct ggml_fake f, part;

	(void)state;
	ggml_fake_make(&f, 51864, 1);
	for (part = f; part.n-- > 0; part.n -= part.n > 70000 ? part.n / 200 : part.n % 7) {
		err = (struct error)ERROR_INIT;
		assert_int_equal(check(&part, &info, &err), -1);
		assert_non_null(strstr(err.text, "/m/x.bin is "));
		assert_int_equal(err.code, ERROR_CONFIG);
	}
	ggml_fake_done(&f);
}

static void test_a_file_on_the_disk(void **state)
{
	char path[] = "/tmp/stenopool-ggml-XXXXXX";
	struct ggml_file_info info;
	struct error err = ERROR_INIT;
	int fd = mkstemp(path);
	FILE *to = fdopen(fd, "w");
	struct ggml_fake f;

	(void)state;
	ggml_fake_make(&f, 51864, 1);
	assert_int_equal(fwrite(f.data, 1, f.n, to), f.n);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(ggml_file_check(path, &info, &err), 0);
	assert_int_equal(remove(path), 0);
	assert_int_equal(ggml_file_check(path, &info, &err), -1);
	assert_non_null(strstr(err.text, "cannot read /tmp/stenopool-ggml-"));
	assert_int_equal(ggml_file_check("/tmp", &info, &err), -1);
	assert_string_equal(err.text, "cannot read /tmp: Is a directory");
	ggml_fake_done(&f);
}

/* ---- harm ---- */

static uint8_t *find(struct ggml_fake *f, const char *text)
{
	uint8_t *at = memmem(f->data, f->n, text, strlen(text));

	assert_non_null(at);
	return at;
}

static void be(struct ggml_fake *f, const void *bytes, size_t n)
{
	f->n = n;
	memcpy(f->data, bytes, n);
}

static void nothing(struct ggml_fake *f)
{
	f->n = 0;
}

static void a_page(struct ggml_fake *f)
{
	be(f, "<!doctype html><title>404</title>", 33);
}

static void a_gguf_file(struct ggml_fake *f)
{
	be(f, "GGUF\3\0\0\0", 8);
}

static void faster_whisper(struct ggml_fake *f)
{
	be(f, "\6\0\0\0\14\0WhisperSpec", 18);
}

static void silero(struct ggml_fake *f)
{
	be(f, "lmgg\n\0\0\0silero-16k", 18);
}

static void an_lfs_pointer(struct ggml_fake *f)
{
	be(f, "version https://git-lfs.github.com/spec/v1\n", 43);
}

static void something_else(struct ggml_fake *f)
{
	be(f,
	    "\x7f"
	    "ELF\2",
	    5);
}

static void cut_in_its_last_tensor(struct ggml_fake *f)
{
	f->n -= 100;
}

static void cut_after_a_tensor(struct ggml_fake *f)
{
	f->n = (size_t)(find(f, "encoder.ln_post.bias") - f->data) - 16;
}

static void one_byte_more(struct ggml_fake *f)
{
	f->data = realloc(f->data, f->n + 1);
	f->data[f->n++] = 0;
}

static void a_foreign_tensor(struct ggml_fake *f)
{
	memcpy(find(f, "encoder.conv1.bias"), "encoder.conv9", 13);
}

static void a_tensor_twice(struct ggml_fake *f)
{
	memcpy(find(f, "encoder.blocks.0.attn.value.bias") + 22, "query", 5);
}

static void another_shape(struct ggml_fake *f)
{
	find(f, "encoder.conv1.bias")[-4] = 31;
}

static void another_type(struct ggml_fake *f)
{
	find(f, "encoder.conv1.bias")[-12] = 1;
}

static void a_name_without_end(struct ggml_fake *f)
{
	memset(find(f, "encoder.conv1.bias") - 16, 0xff, 4);
}

static void dimensions_without_end(struct ggml_fake *f)
{
	memset(find(f, "encoder.conv1.bias") - 20, 0xff, 4);
}

static void header(struct ggml_fake *f, unsigned field, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		f->data[4 * field + i] = (uint8_t)(value >> 8 * i);
}

static void a_large_vocabulary(struct ggml_fake *f)
{
	header(f, 1, 60000);
}

static void another_window(struct ggml_fake *f)
{
	header(f, 2, 3000);
}

static void a_state_of_33(struct ggml_fake *f)
{
	header(f, 3, 33);
	header(f, 7, 33);
}

static void halves_that_differ(struct ggml_fake *f)
{
	header(f, 7, 64);
}

static void layers_without_end(struct ggml_fake *f)
{
	header(f, 5, UINT32_MAX);
}

static void no_heads(struct ggml_fake *f)
{
	header(f, 4, 0);
}

static void another_number_of_bands(struct ggml_fake *f)
{
	header(f, 10, 81);
}

static void an_unknown_type(struct ggml_fake *f)
{
	header(f, 11, 42);
}

static void an_old_quantisation(struct ggml_fake *f)
{
	header(f, 11, 1007);
}

static void filters_of_another_size(struct ggml_fake *f)
{
	header(f, 12, 128);
}

static void more_tokens_than_the_header(struct ggml_fake *f)
{
	header(f, 14 + 80 * 201, 51865);
}

static void a_token_without_end(struct ggml_fake *f)
{
	header(f, 15 + 80 * 201, UINT32_MAX);
}

static struct row {
	const char *name;
	void (*harm)(struct ggml_fake *f);
	const char *says;
} rows[] = {
	{ "an empty file", nothing,
	    "/m/x.bin is cut: it has 0 bytes, and ends inside its first number" },
	{ "a page of a web server", a_page,
	    "/m/x.bin is no ggml model of Whisper: it is a page of text" },
	{ "a GGUF file", a_gguf_file, "/m/x.bin is no ggml model of Whisper: it is a GGUF file" },
	{ "a model of faster-whisper", faster_whisper,
	    "/m/x.bin is no ggml model of Whisper: it is a model of faster-whisper, which "
	    "stenopool models import converts" },
	{ "Silero", silero,
	    "/m/x.bin is no ggml model of Whisper: it is Silero's detector of speech" },
	{ "a pointer of git LFS", an_lfs_pointer,
	    "/m/x.bin is no ggml model of Whisper: it is a pointer of git LFS, not what it points "
	    "to" },
	{ "a program", something_else,
	    "/m/x.bin is no ggml model of Whisper: it begins with 7f 45 4c 46, not with 6c 6d 67 "
	    "67" },
	{ "a tensor that is cut", cut_in_its_last_tensor,
	    "/m/x.bin is cut: it has 3718922 bytes, and its tensor encoder.ln_post.bias needs 100 "
	    "more" },
	{ "a tensor that is missing at the end", cut_after_a_tensor,
	    "/m/x.bin is cut: it has 49 of 50 tensors, and encoder.ln_post.bias is not among "
	    "them" },
	{ "a byte behind the end", one_byte_more,
	    "/m/x.bin has 1 bytes after its last tensor that do not belong to it" },
	{ "a foreign tensor", a_foreign_tensor,
	    "/m/x.bin has a tensor \"encoder.conv9.bias\" that no Whisper model of its size has" },
	{ "a tensor twice", a_tensor_twice,
	    "/m/x.bin has its tensor encoder.blocks.0.attn.query.bias twice" },
	{ "another shape", another_shape,
	    "/m/x.bin has a tensor encoder.conv1.bias of another shape or type than its header "
	    "says" },
	{ "another type", another_type,
	    "/m/x.bin has a tensor encoder.conv1.bias of another shape or type than its header "
	    "says" },
	{ "a name without end", a_name_without_end,
	    "/m/x.bin is damaged: where a tensor should begin, at byte " },
	{ "dimensions without end", dimensions_without_end,
	    "/m/x.bin is damaged: where a tensor should begin, at byte " },
	{ "a large vocabulary", a_large_vocabulary,
	    "/m/x.bin is no ggml model of Whisper: its vocabulary has 60000 tokens; Whisper's have "
	    "51864, 51865 or 51866" },
	{ "another window", another_window,
	    "/m/x.bin is no ggml model of Whisper: its windows are 3000 frames and 448 tokens; "
	    "Whisper's are 1500 and 448" },
	{ "an odd state", a_state_of_33,
	    "/m/x.bin is no ggml model of Whisper: its state has 33 numbers; allowed are multiples "
	    "of 32 up to 2048" },
	{ "halves that differ", halves_that_differ,
	    "/m/x.bin is no ggml model of Whisper: its halves have states of 32 and 64 numbers" },
	{ "layers without end", layers_without_end,
	    "/m/x.bin is no ggml model of Whisper: one of its halves has 4294967295 layers; "
	    "allowed are 1 to 48" },
	{ "no heads", no_heads,
	    "/m/x.bin is no ggml model of Whisper: it has 0 heads, which do not divide its state "
	    "of 32" },
	{ "another number of bands", another_number_of_bands,
	    "/m/x.bin is no ggml model of Whisper: it has 81 mel bands; Whisper has 80 or 128" },
	{ "an unknown type", an_unknown_type,
	    "/m/x.bin has numbers of type 42; allowed are f32, f16, q4_0, q4_1, q5_0, q5_1 and "
	    "q8_0" },
	{ "an old quantisation", an_old_quantisation,
	    "/m/x.bin is quantised in version 1; only 2 is read" },
	{ "filters of another size", filters_of_another_size,
	    "/m/x.bin has mel filters of 128 bands by 201; its header needs 80 by 201" },
	{ "more tokens than the header says", more_tokens_than_the_header,
	    "/m/x.bin has 51865 tokens in its vocabulary, more than the 51864 of its header" },
	{ "a token without end", a_token_without_end,
	    "/m/x.bin has a token of 4294967295 bytes in its vocabulary; allowed are up to 256" },
};

static void test_a_harmed_file_is_refused(void **state)
{
	const struct row *r = *state;
	struct ggml_file_info info;
	struct error err = ERROR_INIT;
	struct ggml_fake f;

	ggml_fake_make(&f, 51864, 1);
	r->harm(&f);
	assert_int_equal(check(&f, &info, &err), -1);
	err.text[strlen(r->says)] = '\0';
	assert_string_equal(err.text, r->says);
	ggml_fake_done(&f);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 4] = {
		cmocka_unit_test(test_a_whole_one_says_what_it_is),
		cmocka_unit_test(test_one_of_many_languages_says_so),
		cmocka_unit_test(test_no_part_of_it_is_whole),
		cmocka_unit_test(test_a_file_on_the_disk),
	};
	size_t n = 4;

	TEST_ROWS(tests, n, rows, test_a_harmed_file_is_refused);
	return _cmocka_run_group_tests("ggml_file", tests, n, NULL, NULL);
}
