// SPDX-License-Identifier: GPL-2.0
/* A program of somebody who has librubato-dev, in C and in C++. */
#include <rubato/librubato.h>
#include <stdio.h>

int main(void)
{
	struct rubato_error error;

	if (!rubato_name_check("blue", &error))
		puts("linked");
	return 0;
}
