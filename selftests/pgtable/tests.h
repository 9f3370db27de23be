/* SPDX-License-Identifier: GPL-2.0 */
/* The tests of `operations`, each of which runs in an enrolled child. */
#ifndef PGTABLE_TEST_TESTS_H
#define PGTABLE_TEST_TESTS_H

#include "area.h"
#include "child.h"
#include "walk.h"
#include "world.h"

#define AREA (64 * PAGE)	/* where nothing else is said */

/* op_map.c */
bool plain_fill(void);
bool first_touch(void);
bool hopping(void);
bool verify_while_walked(void);
bool protect(void);
bool unmap(void);
bool map_over(void);
bool remap_small(void);
bool remap_large(void);
bool remap_resize(void);

/* op_fork.c */
bool fork_isolates(void);
bool fork_chain(void);
bool vfork_waits(void);
bool exec_children(void);
/* What such a child does, run as main() with @more still to come. */
int exec_main(int more);

/* op_advise.c */
bool advise_keeps(void);
bool advise_collapse(void);
bool advise_dontneed(void);
bool advise_free(void);

#endif /* PGTABLE_TEST_TESTS_H */
