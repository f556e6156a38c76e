#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_form.h"
#include "base/error.h"
#include "base/util.h"

#define FILE_PART "file", "RIFF"

/* Names and values in turn; `says` NULL: taken. */
static struct row {
	const char *name, *fields[12];
	struct openai_style style;
	const char *model, *language, *says, *param;
} rows[] = {
	{ "a file alone is json", { FILE_PART }, { OPENAI_JSON, false, true, false, false }, "", "",
	    NULL, NULL },
	{ "everything", { FILE_PART, "model", "en", "language", "de", "response_format", "srt" },
	    { OPENAI_SRT, false, true, false, false }, "en", "de", NULL, NULL },
	{ "words",
	    { "timestamp_granularities[]", "word", FILE_PART, "response_format", "verbose_json" },
	    { OPENAI_VERBOSE_JSON, true, false, false, false }, "", "", NULL, NULL },
	{ "words and segments, the bare name",
	    { FILE_PART, "timestamp_granularities", "word", "timestamp_granularities", "segment",
		"response_format", "verbose_json" },
	    { OPENAI_VERBOSE_JSON, true, true, false, false }, "", "", NULL, NULL },
	{ "words where there are no times",
	    { FILE_PART, "timestamp_granularities[]", "word", "response_format", "srt" }, { 0 },
	    NULL, NULL, "response_format must be verbose_json", "timestamp_granularities[]" },
	{ "what makes no difference",
	    { FILE_PART, "prompt", "a", "temperature", "0.5", "stream", "false",
		"chunking_strategy[type]", "server_vad" },
	    { OPENAI_JSON, false, true, false, false }, "", "", NULL, NULL },
	{ "an empty format is none", { FILE_PART, "response_format", "" },
	    { OPENAI_JSON, false, true, false, false }, "", "", NULL, NULL },
	{ "a language that is no text", { FILE_PART, "language", "d\xe9\n" },
	    { OPENAI_JSON, false, true, false, false }, "", "d??", NULL, NULL },
	{ "no file", { "model", "en" }, { 0 }, NULL, NULL, "no file", "file" },
	{ "two files", { FILE_PART, FILE_PART }, { 0 }, NULL, NULL, "sent twice", "file" },
	{ "another format", { FILE_PART, "response_format", "xml" }, { 0 }, NULL, NULL,
	    "\"xml\" is not supported; json", "response_format" },
	{ "another granularity", { FILE_PART, "timestamp_granularities[]", "" }, { 0 }, NULL, NULL,
	    "word or segment", "timestamp_granularities[]" },
	{ "a stream", { FILE_PART, "stream", "true", "include[]", "logprobs" },
	    { OPENAI_JSON, false, true, true, false }, "", "", NULL, NULL },
	{ "a stream as Python writes it", { FILE_PART, "stream", "True" },
	    { OPENAI_JSON, false, true, true, false }, "", "", NULL, NULL },
	{ "no stream, in other words",
	    { FILE_PART, "stream", "0", "stream", "", "stream", "False" },
	    { OPENAI_JSON, false, true, false, false }, "", "", NULL, NULL },
	{ "the least and the most temperature, and none",
	    { FILE_PART, "temperature", "0", "temperature", "1.0", "temperature", "" },
	    { OPENAI_JSON, false, true, false, false }, "", "", NULL, NULL },
	{ "too much temperature", { FILE_PART, "temperature", "1.1" }, { 0 }, NULL, NULL,
	    "temperature must be a number from 0 to 1, not \"1.1\"", "temperature" },
	{ "too little", { FILE_PART, "temperature", "-1" }, { 0 }, NULL, NULL, "from 0 to 1",
	    "temperature" },
	{ "a temperature that is none", { FILE_PART, "temperature", "NaN" }, { 0 }, NULL, NULL,
	    "from 0 to 1, not \"NaN\"", "temperature" },
	{ "a number with something behind it", { FILE_PART, "temperature", "0.5 C" }, { 0 }, NULL,
	    NULL, "from 0 to 1", "temperature" },
	{ "several languages", { FILE_PART, "languages[]", "de", "languages", "pt-BR" },
	    { OPENAI_JSON, false, true, false, false }, "", "de,pt-BR", NULL, NULL },
	{ "a stream that is neither", { FILE_PART, "stream", "yes" }, { 0 }, NULL, NULL,
	    "stream must be true or false, not \"yes\"", "stream" },
	{ "a stream of subtitles", { FILE_PART, "stream", "true", "response_format", "srt" }, { 0 },
	    NULL, NULL, "stream goes with response_format json, text or", "stream" },
	{ "a long language", { FILE_PART, "language", "012345678901234567890123456789012345" },
	    { 0 }, NULL, NULL, "more than 35 bytes", "language" },
	{ "speakers", { FILE_PART, "response_format", "diarized_json" },
	    { OPENAI_DIARIZED_JSON, false, true, false, false }, "", "", NULL, NULL },
};

static void write_body(char *body, size_t cap, const char *const *fields)
{
	size_t n = 0;

	for (; *fields != NULL; fields += 2)
		n += (size_t)snprintf(body + n, cap - n,
		    "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", fields[0],
		    fields[1]);
	(void)snprintf(body + n, cap - n, "--b--\r\n");
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct openai_form f;
	struct error err = ERROR_INIT;
	const char *param;
	char body[2048];
	int rc;

	write_body(body, sizeof body, r->fields);
	rc = openai_form_read(
	    &f, "multipart/form-data; boundary=b", body, strlen(body), &err, &param);
	assert_int_equal(rc, r->says == NULL ? 0 : -1);
	if (r->says != NULL) {
		assert_non_null(strstr(err.text, r->says));
		assert_string_equal(param, r->param);
		return;
	}
	assert_int_equal(f.file_n, 4);
	assert_memory_equal(f.file, "RIFF", 4);
	assert_string_equal(f.model, r->model);
	assert_string_equal(f.language, r->language);
	assert_int_equal(f.style.stream, r->style.stream);
	assert_int_equal(f.style.format, r->style.format);
	assert_int_equal(f.style.words, r->style.words);
	assert_int_equal(f.style.segments, r->style.segments);
	openai_form_done(&f);
}

static void test_wishes(void **state)
{
	static const char *const fields[] = { FILE_PART, "prompt", "Dr. Ott", "keywords[]", "MRT",
		"language", "DE-at", "keywords[]", "CT", "keywords", "EKG", NULL };
	struct openai_form f;
	struct error err = ERROR_INIT;
	const char *param;
	char body[2048];

	(void)state;
	write_body(body, sizeof body, fields);
	assert_int_equal(openai_form_read(&f, "multipart/form-data; boundary=b", body, strlen(body),
			     &err, &param),
	    0);
	assert_string_equal(f.wanted.language, "de");
	assert_string_equal(f.wanted.prompt, "Dr. Ott");
	assert_string_equal(f.wanted.hot_words, "MRT, CT, EKG");
	openai_form_done(&f);
}

static void test_zero_byte(void **state)
{
	static const char body[] =
	    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ne\0n"
	    "\r\n--b--\r\n";
	struct openai_form f;
	struct error err = ERROR_INIT;
	const char *param;

	(void)state;
	assert_int_equal(openai_form_read(&f, "multipart/form-data; boundary=b", body,
			     sizeof body - 1, &err, &param),
	    -1);
	assert_string_equal(param, "model");
	assert_string_equal(err.text, "model has a zero byte in it");
}

static void test_no_form(void **state)
{
	struct openai_form f;
	struct error err = ERROR_INIT;
	const char *param = "";

	(void)state;
	assert_int_equal(openai_form_read(&f, NULL, "", 0, &err, &param), -1);
	assert_null(param);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 3];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest){ "what is no form", test_no_form, NULL, NULL, NULL };
	tests[ARRAY_SIZE(rows) + 1] =
	    (struct CMUnitTest){ "a model with a zero byte", test_zero_byte, NULL, NULL, NULL };
	tests[ARRAY_SIZE(rows) + 2] =
	    (struct CMUnitTest){ "what is wished", test_wishes, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("openai_form", tests, NULL, NULL);
}
