#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/wyoming_frame.h"
#include "base/error.h"
#include "base/util.h"

enum { MAX_BYTES = 64 };

/* As one byte after the other, each in memory of its own so that ASan sees a read behind its end. */
static enum wyoming_progress read_bytewise(struct wyoming_reader *r, const char *bytes, size_t n,
    size_t *read_out, struct wyoming_event *e, struct error *err)
{
	enum wyoming_progress p = WYOMING_MORE;
	size_t taken;

	for (*read_out = 0; *read_out < n && p == WYOMING_MORE; *read_out += taken) {
		uint8_t *one = malloc(1);

		assert_non_null(one);
		*one = (uint8_t)bytes[*read_out];
		p = wyoming_read(r, one, 1, &taken, e, err);
		free(one);
	}
	return p;
}

static const struct row {
	const char *name, *bytes;
	const char *type, *data, *payload; /* data as JSON */
} rows[] = {
	{ "an event may be its type alone", "{\"type\":\"describe\"}\n", "describe", "{}", "" },
	{ "data may stand in the line", "{\"type\":\"ping\",\"data\":{\"text\":\"x\"}}\n", "ping",
	    "{\"text\":\"x\"}", "" },
	{ "data may follow the line", "{\"type\":\"ping\",\"data_length\":12}\n{\"text\":\"x\"}",
	    "ping", "{\"text\":\"x\"}", "" },
	{ "data behind the line go over those in it",
	    "{\"type\":\"t\",\"data\":{\"a\":1,\"b\":1},\"data_length\":7}\n{\"b\":2}", "t",
	    "{\"a\":1,\"b\":2}", "" },
	{ "a payload follows the data",
	    "{\"type\":\"t\",\"data_length\":2,\"payload_length\":3}\n{}\n{}", "t", "{}", "\n{}" },
	{ "a payload may follow the line", "{\"type\":\"t\",\"payload_length\":3}\nabc", "t", "{}",
	    "abc" },
	{ "null and 0 are no lengths",
	    "{\"type\":\"t\",\"data\":null,\"data_length\":null,\"payload_length\":0}\n", "t", "{}",
	    "" },
	{ "data and payload may have max_message_bytes together",
	    "{\"type\":\"t\",\"data_length\":2,\"payload_length\":62}\n"
	    "{}01234567890123456789012345678901234567890123456789012345678901",
	    "t", "{}", "01234567890123456789012345678901234567890123456789012345678901" },
	{ "fields that are not known are passed over",
	    "{\"type\":\"t\",\"version\":\"1.9.0\",\"x\":[]}\r\n", "t", "{}", "" },
};

static void is_event(const struct wyoming_event *e, const struct row *r)
{
	char *data = json_dumps(e->data, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(e->type, r->type);
	assert_string_equal(data, r->data);
	assert_int_equal(e->payload_n, strlen(r->payload));
	assert_memory_equal(
	    e->payload_n == 0 ? (const uint8_t *)"" : e->payload, r->payload, e->payload_n);
	free(data);
}

static void events_are_read_whole_and_in_pieces(void **state)
{
	const struct row *row = *state;
	size_t n = strlen(row->bytes), taken;
	struct wyoming_reader r;
	struct wyoming_event e;
	struct error err;

	wyoming_reader_init(&r, MAX_BYTES);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(wyoming_read(&r, (const uint8_t *)row->bytes, n, &taken, &e, &err),
		    WYOMING_EVENT);
		assert_int_equal(taken, n);
		is_event(&e, row);
		assert_int_equal(read_bytewise(&r, row->bytes, n, &taken, &e, &err), WYOMING_EVENT);
		assert_int_equal(taken, n);
		is_event(&e, row);
	}
	wyoming_reader_done(&r);
}

#define NOT_JSON "an event's first line: the message is not JSON"

static const struct bad {
	const char *name, *bytes, *sentence; /* how it begins */
} bad[] = {
	{ "an empty line", "\n", NOT_JSON },
	{ "a line that is not JSON", "GET / HTTP/1.1\r\n", NOT_JSON },
	{ "a line that is no object", "[]\n",
	    "an event's first line: a message must be a JSON object, not an array" },
	{ "no type", "{}\n", "an event must have a \"type\" that is text of at most 100 bytes" },
	{ "a type that is no text", "{\"type\":1}\n", "an event must have a \"type\"" },
	{ "data that are no object", "{\"type\":\"t\",\"data\":[]}\n",
	    "data must be an object, not an array" },
	{ "a negative length", "{\"type\":\"t\",\"payload_length\":-1}\n",
	    "payload_length must be a whole number of bytes from 0 up" },
	{ "a length that is no number", "{\"type\":\"t\",\"data_length\":\"9\"}\n",
	    "data_length must be a whole number" },
	{ "a fraction of a byte", "{\"type\":\"t\",\"data_length\":1.5}\n",
	    "data_length must be a whole number" },
	{ "too long a payload", "{\"type\":\"t\",\"payload_length\":65}\n",
	    "payload_length 65 is over max_message_bytes 64" },
	{ "a gigantic payload", "{\"type\":\"t\",\"payload_length\":9223372036854775807}\n",
	    "payload_length 9223372036854775807 is over max_message_bytes 64" },
	{ "both too long together", "{\"type\":\"t\",\"data_length\":3,\"payload_length\":62}\n",
	    "data_length 3 and payload_length 62 are over max_message_bytes 64" },
	{ "data behind the line that are not JSON", "{\"type\":\"t\",\"data_length\":2}\n{]",
	    "the data of t: the message is not JSON" },
	{ "bytes that are not UTF-8", "{\"type\":\"\xc3(\"}\n", NOT_JSON },
};

static void what_cannot_be_is_said_in_a_sentence(void **state)
{
	const struct bad *b = *state;
	struct wyoming_reader r;
	struct wyoming_event e;
	struct error err;
	size_t taken;

	wyoming_reader_init(&r, MAX_BYTES);
	assert_int_equal(
	    read_bytewise(&r, b->bytes, strlen(b->bytes), &taken, &e, &err), WYOMING_BAD);
	assert_memory_equal(err.text, b->sentence, strlen(b->sentence));
	wyoming_reader_done(&r);
}

static void a_line_without_an_end_is_not_kept_for_ever(void **state)
{
	static uint8_t line[WYOMING_LINE_BYTES];
	struct wyoming_reader r;
	struct wyoming_event e;
	struct error err;
	size_t taken;

	(void)state;
	memset(line, ' ', sizeof line);
	wyoming_reader_init(&r, MAX_BYTES);
	assert_int_equal(wyoming_read(&r, line, sizeof line, &taken, &e, &err), WYOMING_MORE);
	assert_int_equal(wyoming_read(&r, line, 1, &taken, &e, &err), WYOMING_BAD);
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "first line may have 65536 bytes"));
	wyoming_reader_done(&r);
}

static void an_event_ends_where_the_next_begins(void **state)
{
	static const char bytes[] = "{\"type\":\"a\",\"payload_length\":1}\n1{\"type\":\"b\"}\n";
	struct wyoming_reader r;
	struct wyoming_event e;
	struct error err;
	size_t taken, more;

	(void)state;
	wyoming_reader_init(&r, MAX_BYTES);
	assert_int_equal(
	    wyoming_read(&r, (const uint8_t *)bytes, sizeof bytes - 1, &taken, &e, &err),
	    WYOMING_EVENT);
	assert_string_equal(e.type, "a");
	assert_int_equal(wyoming_read(&r, (const uint8_t *)bytes + taken, sizeof bytes - 1 - taken,
			     &more, &e, &err),
	    WYOMING_EVENT);
	assert_string_equal(e.type, "b");
	assert_int_equal(taken + more, sizeof bytes - 1);
	wyoming_reader_done(&r);
}

static void what_is_written_is_what_is_read(void **state)
{
	size_t n, taken;
	char *bytes =
	    wyoming_write("transcript", json_pack("{s:s}", "text", "gr\xc3\xbc\xc3\x9f\n"), &n);
	struct wyoming_reader r;
	struct wyoming_event e;
	struct error err;

	(void)state;
	assert_non_null(bytes);
	assert_memory_equal(bytes, "{\"type\":\"transcript\",\"data_length\":", 34);
	wyoming_reader_init(&r, MAX_BYTES);
	assert_int_equal(
	    wyoming_read(&r, (const uint8_t *)bytes, n, &taken, &e, &err), WYOMING_EVENT);
	assert_int_equal(taken, n);
	assert_string_equal(
	    json_string_value(json_object_get(e.data, "text")), "gr\xc3\xbc\xc3\x9f\n");
	wyoming_reader_done(&r);
	free(bytes);
	bytes = wyoming_write("transcript-stop", json_object(), &n);
	assert_string_equal(bytes, "{\"type\":\"transcript-stop\"}\n");
	assert_int_equal(n, strlen(bytes));
	free(bytes);
}

enum { ROWS = ARRAY_SIZE(rows), BAD = ARRAY_SIZE(bad) };

int main(void)
{
	struct CMUnitTest tests[ROWS + BAD + 3] = {
		cmocka_unit_test(a_line_without_an_end_is_not_kept_for_ever),
		cmocka_unit_test(an_event_ends_where_the_next_begins),
		cmocka_unit_test(what_is_written_is_what_is_read),
	};

	for (size_t i = 0; i < ROWS; i++)
		tests[3 + i] =
		    (struct CMUnitTest){ rows[i].name, events_are_read_whole_and_in_pieces, NULL,
			    NULL, (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < BAD; i++)
		tests[3 + ROWS + i] =
		    (struct CMUnitTest){ bad[i].name, what_cannot_be_is_said_in_a_sentence, NULL,
			    NULL, (void *)(uintptr_t)&bad[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
