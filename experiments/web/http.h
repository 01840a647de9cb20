// The little of HTTP/1.1 that a benchmark needs: GET /BYTES, and a page of so many bytes.

#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum {
	HTTP_HEAD = 256,        // no head is longer, its end mark included
	HTTP_MOST = 1 << 20,    // bytes of a page
};

// Where the body of a message begins, or 0: its head is not complete. TEXT ends with a zero.
size_t http_body(const char *text);

// False if it is no request for a page of up to HTTP_MOST bytes. TEXT ends with a zero.
bool http_parse_request(const char *text, size_t *bytes);

// False if it is no answer of status 200 with a length. TEXT ends with a zero.
bool http_parse_answer(const char *text, size_t *bytes);

// Each writes a head of less than HTTP_HEAD bytes and returns its length.
size_t http_write_request(char *text, size_t bytes);
size_t http_write_answer(char *text, size_t bytes);
size_t http_write_refusal(char *text);

#endif
