// sources: experiments/web/http.c
#include "unit.h"
#include "../../experiments/web/http.h"

#include <string.h>

static void finds_the_end_of_a_head(void **state)
{
	(void)state;
	assert_int_equal(http_body(""), 0);
	assert_int_equal(http_body("GET /1 HTTP/1.1\r\n\r"), 0);
	assert_int_equal(http_body("GET /1 HTTP/1.1\r\n\r\nmore"), 19);
}

static void reads_a_request(void **state)
{
	size_t bytes;

	(void)state;
	assert_true(http_parse_request("GET /65536 HTTP/1.1\r\nHost: a\r\n\r\n", &bytes));
	assert_int_equal(bytes, 65536);
	assert_true(http_parse_request("GET /0 HTTP/1.1\r\n\r\n", &bytes));
	assert_int_equal(bytes, 0);
	assert_true(http_parse_request("GET /1048576 HTTP/1.1\r\n\r\n", &bytes));
	assert_int_equal(bytes, HTTP_MOST);
}

static void refuses_what_is_no_request_for_a_page(void **state)
{
	static const char *const texts[] = {
		"", "GET", "GET /", "GET / HTTP/1.1\r\n\r\n", "GET /-1 HTTP/1.1\r\n\r\n", "GET /1", "GET /1 HTTP/1.0\r\n\r\n",
		"GET /1x HTTP/1.1\r\n\r\n", "POST /1 HTTP/1.1\r\n\r\n", "GET /1048577 HTTP/1.1\r\n\r\n",
		"GET /18446744073709551617 HTTP/1.1\r\n\r\n",
	};
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(http_parse_request(texts[i], &bytes));
}

static void reads_what_it_writes(void **state)
{
	char text[HTTP_HEAD];
	size_t size, bytes;

	(void)state;
	size = http_write_request(text, HTTP_MOST);
	assert_int_equal(size, http_body(text));
	assert_true(http_parse_request(text, &bytes));
	assert_int_equal(bytes, HTTP_MOST);
	size = http_write_answer(text, HTTP_MOST);
	assert_int_equal(size, http_body(text));
	assert_true(http_parse_answer(text, &bytes));
	assert_int_equal(bytes, HTTP_MOST);
}

static void a_refusal_is_no_page(void **state)
{
	char text[HTTP_HEAD];
	size_t size, bytes;

	(void)state;
	size = http_write_refusal(text);
	assert_int_equal(size, strlen(text));
	assert_false(http_parse_answer(text, &bytes));
	assert_false(http_parse_answer("HTTP/1.1 200 OK\r\n\r\n", &bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_end_of_a_head),
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(refuses_what_is_no_request_for_a_page),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(a_refusal_is_no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
