/* SPDX-License-Identifier: GPL-2.0 */
/* One replica: the private tree of tables of a process on a node. */
#ifndef RUBATO_PGTABLE_TREE_H
#define RUBATO_PGTABLE_TREE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct mm_struct;
struct rubato_space;

struct rubato_tree {
	raw_spinlock_t lock;
	struct rubato_space *space;	/* never changes; outlives the tree */
	int node;			/* never changes */

	/*
	 * Under the lock. The root is there from planting to stripping, in
	 * between no CPU may be on it; root_address is what CR3 has, or 0.
	 */
	u64 *root;
	unsigned long root_address;
	struct list_head tables;	/* their struct pages, by lru */
	unsigned long nr_tables;
};

enum rubato_fill {
	RUBATO_FILL_DONE,	/* what the access needs is in the replica */
	RUBATO_FILL_ABSENT,	/* nor is it in the master: the kernel's turn */
	RUBATO_FILL_CONFLICT,	/* it is being changed */
	RUBATO_FILL_SHORT,	/* no page for a table, or not allowed one */
};

struct rubato_access {
	unsigned long address;
	bool write;
	unsigned int order;	/* entries around it to be copied, 2^order */
};

void rubato_tree_init(struct rubato_tree *tree, struct rubato_space *space,
		      int node);
int rubato_tree_plant(struct rubato_tree *tree);
void rubato_tree_strip(struct rubato_tree *tree);
void rubato_tree_sync_kernel(struct rubato_tree *tree);
bool rubato_tree_lacks(const struct rubato_tree *tree, unsigned long address);

enum rubato_fill rubato_tree_fill(struct rubato_tree *tree,
				  const struct rubato_access *access,
				  unsigned int *entries);
void rubato_tree_zap(struct rubato_tree *tree, unsigned long start,
		     unsigned long end, bool may_sleep);
bool rubato_tree_young(struct rubato_tree *tree, unsigned long start,
		       unsigned long end, bool clear);
bool rubato_tree_touched(struct rubato_tree *tree, unsigned long start,
			 unsigned long end);

/* Walking either kind of tree (walk.c). */
int rubato_top_level(void);
u64 *rubato_master_of(const struct mm_struct *mm);
u64 *rubato_table_below(u64 entry);
bool rubato_walk(u64 *root, unsigned long address, u64 **slot, int *level);
unsigned long rubato_next_table(u64 *root, unsigned long address,
				unsigned long end);

#endif /* RUBATO_PGTABLE_TREE_H */
