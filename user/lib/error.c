// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"

int rubato_error_set(struct rubato_error *e, int code, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	if (e) {
		e->code = abs(code);
		va_start(arguments, format);
		vsnprintf(e->text, sizeof(e->text), format, arguments);
		va_end(arguments);
	}
	errno = saved;
	return code;
}
