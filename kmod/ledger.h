/* SPDX-License-Identifier: GPL-2.0 */
/* The shared accounts: three BPF arrays that the daemon hands over. */
#ifndef RUBATO_LEDGER_H
#define RUBATO_LEDGER_H

#include <linux/types.h>
#include <linux/rubato.h>

struct rubato_books;

int rubato_ledger_attach(const struct rubato_ioc_attach *attach);
struct rubato_books *rubato_ledger_detach(void);
void rubato_ledger_free(struct rubato_books *b);
bool rubato_ledger_attached(void);
unsigned int rubato_ledger_cores(void);

struct rubato_ledger *rubato_ledger_entry(u32 slot);

struct rubato_books *rubato_ledger_books(void);
u32 rubato_books_cores(const struct rubato_books *b);
u32 rubato_books_cpus(const struct rubato_books *b);
struct rubato_steer *rubato_books_steer(struct rubato_books *b, u32 cpu);
struct rubato_account *rubato_books_account(struct rubato_books *b, u32 slot,
					    u32 core);

void rubato_ledger_write(u32 slot, const struct rubato_params *params,
			 const char *name);

u64 rubato_ledger_sum(u32 slot, size_t offset);
s64 rubato_ledger_sum_signed(u32 slot, size_t offset);
u64 rubato_ledger_sum_steer(u32 slot, size_t offset);

#endif /* RUBATO_LEDGER_H */
