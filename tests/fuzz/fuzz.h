// What the harnesses share.

#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// An invariant: libFuzzer keeps the input that breaks it.
#define MUST(what) do { \
	if (!(what)) { \
		fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #what); \
		abort(); \
	} \
} while (0)

// The input as a text that ends where its memory ends, for ASan to see what reads on.
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
