// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for tables. A fault may come with a run queue's lock held, where the
 * page allocator must not be called, so some pages of every node wait here. The
 * worker brings more when half of them have been taken.
 *
 * Locks: a pool's own, inside a tree's; interrupts are off.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "pool.h"
#include "work.h"

#define POOL_PAGES	256	/* of a node: 1 MiB, tables for 512 MiB */

struct pool {
	raw_spinlock_t lock;
	struct list_head pages;	/* zeroed, by lru */
	unsigned int nr;
};

static struct pool *pools;	/* by node */

/* From that node or not at all: what is elsewhere helps nobody. */
static struct page *page_of(int node, unsigned int order)
{
	return alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO | __GFP_THISNODE |
				__GFP_NOWARN | __GFP_NORETRY, order);
}

static void pool_add(struct pool *pool, struct page *page)
{
	raw_spin_lock_irq(&pool->lock);
	list_add(&page->lru, &pool->pages);
	WRITE_ONCE(pool->nr, pool->nr + 1);
	raw_spin_unlock_irq(&pool->lock);
}

/**
 * rubato_pool_take() - a zeroed page of a node
 * @node: with memory
 *
 * Context: any but NMI. Return: NULL if none is at hand; more will be brought.
 */
struct page *rubato_pool_take(int node)
{
	struct pool *pool = &pools[node];
	struct page *page;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	page = list_first_entry_or_null(&pool->pages, struct page, lru);
	if (page) {
		list_del(&page->lru);
		WRITE_ONCE(pool->nr, pool->nr - 1);
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	if (!page || READ_ONCE(pool->nr) < POOL_PAGES / 2)
		rubato_work_soon();
	return page;
}

/**
 * rubato_pools_refill() - bring what is missing, as far as there is memory
 *
 * Context: process.
 */
void rubato_pools_refill(void)
{
	struct page *page;
	int node;

	for_each_node_state(node, N_MEMORY) {
		while (READ_ONCE(pools[node].nr) < POOL_PAGES) {
			page = page_of(node, 0);
			if (!page)
				break;
			pool_add(&pools[node], page);
		}
	}
}

/**
 * rubato_pools_empty() - give everything back
 *
 * Context: process.
 */
void rubato_pools_empty(void)
{
	struct page *page;
	int node;

	for (node = 0; node < nr_node_ids; node++) {
		while (READ_ONCE(pools[node].nr)) {
			page = rubato_pool_take(node);
			if (page)
				__free_page(page);
		}
	}
}

/**
 * rubato_pool_root() - the two pages of a root, together, zeroed
 * @node: where
 *
 * The second one is user mode's with page-table isolation, whose entry code
 * finds it by a bit of the address (arch/x86/entry/calling.h).
 *
 * Context: process. Return: NULL without memory there.
 */
struct page *rubato_pool_root(int node)
{
	return page_of(node, 1);
}

/**
 * rubato_pool_root_free() - the reverse
 * @root: no CPU knows of it any more
 *
 * Context: any.
 */
void rubato_pool_root_free(u64 *root)
{
	free_pages((unsigned long)root, 1);
}

/**
 * rubato_pools_init() - make the pools, empty
 *
 * Context: module init. Return: 0 or -ENOMEM.
 */
int rubato_pools_init(void)
{
	int node;

	pools = kcalloc(nr_node_ids, sizeof(*pools), GFP_KERNEL);
	if (!pools)
		return -ENOMEM;
	for (node = 0; node < nr_node_ids; node++) {
		raw_spin_lock_init(&pools[node].lock);
		INIT_LIST_HEAD(&pools[node].pages);
	}
	return 0;
}

/**
 * rubato_pools_exit() - the reverse
 *
 * Context: module exit, when nothing takes pages any more.
 */
void rubato_pools_exit(void)
{
	rubato_pools_empty();
	kfree(pools);
}
