// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "indices.h"

struct indices {
	uint32_t size;
	bool used[];
};

struct indices *indices_new(uint32_t size)
{
	struct indices *indices = calloc(1, sizeof(*indices) + size);

	if (indices)
		indices->size = size;
	return indices;
}

void indices_free(struct indices *indices)
{
	free(indices);
}

int64_t indices_take(struct indices *indices, uint32_t length)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < indices->size; i++) {
		run = indices->used[i] ? 0 : run + 1;
		if (run < length)
			continue;
		memset(&indices->used[i + 1 - length], true, length);
		return i + 1 - length;
	}
	return -ENOSPC;
}

void indices_put(struct indices *indices, uint32_t begin, uint32_t length)
{
	memset(&indices->used[begin], false, length);
}
