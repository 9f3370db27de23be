/* SPDX-License-Identifier: GPL-2.0 */
/* Pages for tables, at hand on every node before a fault needs one. */
#ifndef RUBATO_PGTABLE_POOL_H
#define RUBATO_PGTABLE_POOL_H

#include <linux/types.h>

struct page;

int rubato_pools_init(void);
void rubato_pools_exit(void);
void rubato_pools_refill(void);
void rubato_pools_empty(void);

struct page *rubato_pool_take(int node);
struct page *rubato_pool_root(int node);
void rubato_pool_root_free(u64 *root);

#endif /* RUBATO_PGTABLE_POOL_H */
