// SPDX-License-Identifier: GPL-2.0
#include "host/result.h"

#include <stdarg.h>
#include <stdio.h>

int result_refuse(char error[RESULT_ERROR], int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, RESULT_ERROR, format, arguments);
	va_end(arguments);
	return result;
}
