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
bool protect_from_zero(void);
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

/* op_file.c */
bool file_sync(void);
bool file_dirty(void);
bool file_private(void);
bool file_truncate(void);
bool file_hole(void);
bool shared_memfd(void);
bool shared_sysv(void);

/* op_huge.c */
bool huge_whole(void);
bool huge_split_protect(void);
bool huge_split_unmap(void);
bool huge_fork(void);
bool hugetlb(void);
bool gigantic(void);

/* op_memory.c */
bool ksm(void);
bool move_pages(void);
bool mbind_moves(void);
bool migrate_pages(void);
bool move_shared(void);
bool numa_balancing(void);

/* op_swap.c */
bool swap_out(void);
bool swap_pressure(void);
/* For others who want some: false if there is none to be had. */
bool swap_on(void);
bool swap_off(void);

/* op_uffd.c */
bool uffd_missing(void);
bool uffd_protect(void);
bool uffd_minor(void);

/* op_track.c */
bool soft_dirty_pages(void);
bool soft_dirty_walked(void);
bool keys(void);
bool secret(void);

/* op_remote.c */
bool process_vm(void);
bool ptrace_words(void);
bool uring(void);
bool uring_polled(void);

/* op_atomic.c */
bool futex_on_cold_memory(void);
bool futex_between_nodes(void);
bool signal_frames(void);
bool vsyscall(void);
bool trace_marker(void);
bool perf_stacks(void);

/* op_life.c */
bool core_dump(void);
bool exit_under_load(void);
bool exec_storm(void);
bool out_of_memory(void);
bool out_of_swap(void);

/* op_ldt.c */
bool ldt_late(void);
bool ldt_early(void);

#endif /* PGTABLE_TEST_TESTS_H */
