// fail() of the command, which tests read in told.

#ifndef TOLD_H
#define TOLD_H

#include <stdarg.h>
#include <stdio.h>

static char told[512];

int fail(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(told, sizeof(told), format, arguments);
	va_end(arguments);
	return code;
}

#endif
