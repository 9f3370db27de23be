// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "interrupts.h"
#include "world.h"

static uint64_t nth_number(const char *text, unsigned int n)
{
	uint64_t number = 0;
	char *end;

	do {
		number = strtoull(text, &end, 10);
		if (end == text)
			return 0;
		text = end;
	} while (n--);
	return number;
}

static uint64_t sum_of(const char *row)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 1; i < places; i++)
		sum += nth_number(row, place_cpu(i));
	return sum;
}

uint64_t told_elsewhere(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	uint64_t number = 0;
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		char *row = strstr(line, "TLB:");

		if (row)
			number = sum_of(row + 4);
	}
	free(line);
	if (file)
		fclose(file);
	return number;
}
