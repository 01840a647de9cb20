#include "http.h"

#include <stdio.h>
#include <string.h>

static const char length_name[] = "\r\nContent-Length: ";

size_t http_body(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");

	return end ? end - text + 4 : 0;
}

static bool parse_bytes(const char *text, const char *end, size_t *bytes)
{
	size_t digits = strspn(text, "0123456789");

	*bytes = 0;
	for (size_t i = 0; i < digits && *bytes <= HTTP_MOST; i++)
		*bytes = *bytes * 10 + (text[i] - '0');
	return digits && *bytes <= HTTP_MOST && !strncmp(text + digits, end, strlen(end));
}

bool http_parse_request(const char *text, size_t *bytes)
{
	return !strncmp(text, "GET /", 5) && parse_bytes(text + 5, " HTTP/1.1\r\n", bytes);
}

bool http_parse_answer(const char *text, size_t *bytes)
{
	const char *length = strstr(text, length_name);

	return !strncmp(text, "HTTP/1.1 200 ", 13) && length &&
	       parse_bytes(length + strlen(length_name), "\r\n", bytes);
}

size_t http_write_request(char *text, size_t bytes)
{
	return snprintf(text, HTTP_HEAD, "GET /%zu HTTP/1.1\r\nHost: guest\r\n\r\n", bytes);
}

size_t http_write_answer(char *text, size_t bytes)
{
	return snprintf(text, HTTP_HEAD, "HTTP/1.1 200 OK%s%zu\r\nContent-Type: text/plain\r\n\r\n",
			length_name, bytes);
}

size_t http_write_refusal(char *text)
{
	return snprintf(text, HTTP_HEAD, "HTTP/1.1 400 Bad Request%s0\r\n\r\n", length_name);
}
