#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Operations that flush TLBs, with pgtable/filter on: those CPUs that are left
# alone must not see what was there before.

here=$(dirname "$0")
OPERATIONS=${OUTPUT:-$here/../../build/selftests/pgtable}/operations
tests=(protect unmap map_over remap_small remap_large fork_isolates
       advise_dontneed file_dirty file_truncate huge_split_protect
       huge_split_unmap ksm mbind_moves numa_balancing swap_out uffd_protect)

[ -z "${RUBATO_LONG:-}" ] || tests=()
exec "$OPERATIONS" --filter "${tests[@]}"
