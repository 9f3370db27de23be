/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of which every word is known: a tag of its own and, in every STEPth, how
 * often it was written. And accesses that say which signal they met.
 */
#ifndef PGTABLE_TEST_AREA_H
#define PGTABLE_TEST_AREA_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define STEP 64		/* words: 8 to a page, in cache lines of their own */

struct area {
	uint64_t *words;
	size_t bytes;
	uint32_t seed;
	uint32_t *count;	/* of each STEPth word */
	/* Who writes beside us: processes, and which one this is. */
	unsigned int parties, party;
};

#define FAULT(signal, code)	((signal) << 8 | (code))
#define NOT_MAPPED		FAULT(SIGSEGV, SEGV_MAPERR)
#define NOT_ALLOWED		FAULT(SIGSEGV, SEGV_ACCERR)
#define KEY_FORBIDS		FAULT(SIGSEGV, SEGV_PKUERR)
#define NO_SUCH_PAGE		FAULT(SIGBUS, BUS_ADRERR)

/* 0, or the signal and its code, as FAULT() has them. */
int try_load(const volatile uint64_t *word, uint64_t *value);
int try_store(volatile uint64_t *word, uint64_t value);
/* The signals that they meet; others end the process. */
void faults_catch(void);

/* @memory of @bytes is one from now on; its contents are written by fill. */
void area_on(struct area *area, void *memory, size_t bytes);
/* Private memory in pages of the usual size, filled. */
bool area_map(struct area *area, size_t bytes);
void area_unmap(struct area *area);
void area_fill(struct area *area);
/* Of a copy that somebody else goes on writing: counts of its own from now on. */
bool area_adopt(struct area *area);

uint64_t area_word(const struct area *area, size_t index);
/* Of @bytes from @offset: each word is right, seen from every place. */
bool area_same(const struct area *area);
bool area_part_same(const struct area *area, size_t offset, size_t bytes);
/* As it is, or zero: what may have been given back. */
bool area_same_or_zero(const struct area *area);
bool area_zero(const struct area *area, size_t offset, size_t bytes);
/* From every place, each page of the part answers with @fault. */
bool area_loads(const struct area *area, size_t offset, size_t bytes, int fault);
bool area_stores(const struct area *area, size_t offset, size_t bytes, int fault);

/* Nobody's, aligned to @align, of which parts are used; NULL. */
void *window(size_t bytes, size_t align);
/* One page of GIANT_PAGE bytes, zeroed; where there is none, the test ends here. */
void *giant_page(void);

#endif /* PGTABLE_TEST_AREA_H */
