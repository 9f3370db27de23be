// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger, the cores' books and XDP's counters: BPF arrays that the daemon
 * made and handed over as file descriptors. We hold references while attached.
 *
 * We write the parameter line and the name of every slot, and tell each core by
 * a bit; and for the assist the sixth line of accounts and ->touched of XDP's
 * counters. What we read there was written by user space or XDP: it is bounded by
 * nothing, so that sums saturate, and no index ever comes from it.
 *
 * Locking: `books` changes under rubato_params_lock. Writers of parameters
 * hold that lock; readers of counters are in an RCU section, which is waited
 * for before the maps are given back. The assist belongs to the file that
 * attached them and ends before they are detached: it needs neither.
 */
#include <linux/bpf.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "bits.h"
#include "budget.h"
#include "compat.h"
#include "ledger.h"

RUBATO_IMPORT_BPF();

struct rubato_books {
	struct bpf_map *ledger;
	struct bpf_map *cores;
	struct bpf_map *steer;
	u32 nr_cores;
	u32 nr_cpus;
};

static struct rubato_books __rcu *books;

/* What a map must be, besides a BPF_F_MMAPABLE array. */
struct map_shape {
	u32 value_size;
	u32 min_entries;
};

static void *map_value(struct bpf_map *map, u32 index)
{
	return map->ops->map_lookup_elem(map, &index);
}

static bool map_fits(const struct bpf_map *map, const struct map_shape *shape)
{
	return map->map_type == BPF_MAP_TYPE_ARRAY &&
	       map->map_flags & BPF_F_MMAPABLE &&
	       map->key_size == sizeof(u32) &&
	       map->value_size == shape->value_size &&
	       map->max_entries >= shape->min_entries;
}

static struct bpf_map *map_get(int fd, const struct map_shape *shape)
{
	struct bpf_map *map = bpf_map_get(fd);

	if (IS_ERR(map))
		return map;
	if (!map_fits(map, shape)) {
		bpf_map_put(map);
		return ERR_PTR(-EINVAL);
	}
	return map;
}

static void books_put(struct rubato_books *b)
{
	if (!IS_ERR_OR_NULL(b->steer))
		bpf_map_put(b->steer);
	if (!IS_ERR_OR_NULL(b->cores))
		bpf_map_put(b->cores);
	if (!IS_ERR_OR_NULL(b->ledger))
		bpf_map_put(b->ledger);
	kfree(b);
}

static struct rubato_books *books_get(const struct rubato_ioc_attach *attach)
{
	const struct map_shape ledger = {
		sizeof(struct rubato_ledger), RUBATO_SLOTS
	};
	const struct map_shape cores = {
		sizeof(struct rubato_core), attach->nr_cores
	};
	const struct map_shape steer = {
		sizeof(struct rubato_steer), num_possible_cpus() * RUBATO_SLOTS
	};
	struct rubato_books *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return ERR_PTR(-ENOMEM);
	b->ledger = map_get(attach->ledger_fd, &ledger);
	err = PTR_ERR_OR_ZERO(b->ledger);
	if (err)
		goto err_put;
	b->cores = map_get(attach->cores_fd, &cores);
	err = PTR_ERR_OR_ZERO(b->cores);
	if (err)
		goto err_put;
	b->steer = map_get(attach->steer_fd, &steer);
	err = PTR_ERR_OR_ZERO(b->steer);
	if (err)
		goto err_put;
	b->nr_cores = attach->nr_cores;
	b->nr_cpus = b->steer->max_entries / RUBATO_SLOTS;
	return b;

err_put:
	books_put(b);
	return ERR_PTR(err);
}

/**
 * rubato_ledger_attach() - take over a daemon's maps
 * @attach: file descriptors of the caller, and how many cores it runs
 *
 * The caller then writes every slot's parameters.
 *
 * Context: process; takes rubato_params_lock.
 * Return: 0, -EBUSY (another daemon is attached), -EBADF (not a file
 * descriptor), -EINVAL (not a BPF map, or not one of that shape), -ENOMEM.
 */
int rubato_ledger_attach(const struct rubato_ioc_attach *attach)
{
	struct rubato_books *b;
	int err = 0;

	b = books_get(attach);
	if (IS_ERR(b))
		return PTR_ERR(b);
	mutex_lock(&rubato_params_lock);
	if (rubato_ledger_attached())
		err = -EBUSY;
	else
		rcu_assign_pointer(books, b);
	mutex_unlock(&rubato_params_lock);
	if (err)
		books_put(b);
	return err;
}

/**
 * rubato_ledger_detach() - stop using the daemon's maps
 *
 * The parameters in them stay as they were last written.
 *
 * Context: process; takes rubato_params_lock.
 * Return: for rubato_ledger_free(); NULL if no daemon was attached.
 */
struct rubato_books *rubato_ledger_detach(void)
{
	struct rubato_books *b;

	mutex_lock(&rubato_params_lock);
	b = rcu_replace_pointer(books, NULL,
				lockdep_is_held(&rubato_params_lock));
	mutex_unlock(&rubato_params_lock);
	return b;
}

/**
 * rubato_ledger_free() - give the maps back, once no reader is left
 * @b: from rubato_ledger_detach(); may be NULL
 *
 * Context: process, without locks: waits for an RCU grace period.
 */
void rubato_ledger_free(struct rubato_books *b)
{
	if (!b)
		return;
	synchronize_rcu();
	books_put(b);
}

/**
 * rubato_ledger_attached() - is there a daemon?
 *
 * Context: any; the answer is stable only under rubato_params_lock or
 * rubato_lock.
 */
bool rubato_ledger_attached(void)
{
	return rcu_access_pointer(books);
}

/**
 * rubato_ledger_cores() - how many datapath cores the daemon runs
 *
 * Context: any. Return: 0 if none is attached.
 */
unsigned int rubato_ledger_cores(void)
{
	const struct rubato_books *b;
	unsigned int nr_cores;

	rcu_read_lock();
	b = rcu_dereference(books);
	nr_cores = b ? b->nr_cores : 0;
	rcu_read_unlock();
	return nr_cores;
}

/**
 * rubato_ledger_entry() - all that the ledger has of a slot
 * @slot: below RUBATO_SLOTS
 *
 * Context: RCU section. Return: NULL while no daemon is attached.
 */
struct rubato_ledger *rubato_ledger_entry(u32 slot)
{
	struct rubato_books *b = rcu_dereference(books);

	return b ? map_value(b->ledger, slot) : NULL;
}

/**
 * rubato_ledger_books() - the maps, for whoever is sure of them
 *
 * Context: any, while a file is held that attached them.
 */
struct rubato_books *rubato_ledger_books(void)
{
	return rcu_dereference_check(books, 1);
}

/**
 * rubato_books_cores() - how many datapath cores the daemon said it runs
 * @b: from rubato_ledger_books()
 */
u32 rubato_books_cores(const struct rubato_books *b)
{
	return b->nr_cores;
}

/**
 * rubato_books_cpus() - how many CPUs XDP has counters for
 * @b: from rubato_ledger_books()
 */
u32 rubato_books_cpus(const struct rubato_books *b)
{
	return b->nr_cpus;
}

/**
 * rubato_books_steer() - XDP's counters on one CPU
 * @b: from rubato_ledger_books()
 * @cpu: below rubato_books_cpus()
 *
 * Return: RUBATO_SLOTS lines, one after the other as in the map.
 */
struct rubato_steer *rubato_books_steer(struct rubato_books *b, u32 cpu)
{
	return map_value(b->steer, cpu * RUBATO_SLOTS);
}

/**
 * rubato_books_account() - what a core did for a tenant
 * @b: from rubato_ledger_books()
 * @slot: below RUBATO_SLOTS
 * @core: below rubato_books_cores()
 */
struct rubato_account *rubato_books_account(struct rubato_books *b, u32 slot,
					    u32 core)
{
	struct rubato_ledger *entry = map_value(b->ledger, slot);

	return &entry->core[core];
}

/* Word by word, since a reader on another CPU may be looking. */
static void params_copy(struct rubato_params *to,
			const struct rubato_params *from)
{
	WRITE_ONCE(to->flags, from->flags);
	WRITE_ONCE(to->generation, from->generation);
	WRITE_ONCE(to->weight, from->weight);
	WRITE_ONCE(to->budget_cycles, from->budget_cycles);
	WRITE_ONCE(to->period_us, from->period_us);
	WRITE_ONCE(to->burst_cycles, from->burst_cycles);
	WRITE_ONCE(to->floor_cycles, from->floor_cycles);
	WRITE_ONCE(to->rate, from->rate);
	WRITE_ONCE(to->burst_ticks, from->burst_ticks);
}

/* Pollers look by themselves, however long the daemon takes to follow. */
static void cores_tell(struct rubato_books *b, u32 slot)
{
	struct rubato_core *line;
	u32 core;

	for (core = 0; core < b->nr_cores; core++) {
		line = map_value(b->cores, core);
		rubato_bits_set(&line->changed, slot);
	}
}

/**
 * rubato_ledger_write() - write one slot's parameters and name
 * @slot: below RUBATO_SLOTS
 * @params: all but ->seq, which counts in the ledger itself
 * @name: RUBATO_NAME_SIZE bytes, padded with zeroes
 *
 * Every core is told. A sequence count that was left odd (its writer died) is
 * made even again. Does nothing while no daemon is attached.
 *
 * Context: under rubato_params_lock.
 */
void rubato_ledger_write(u32 slot, const struct rubato_params *params,
			 const char *name)
{
	struct rubato_books *b;
	struct rubato_ledger *entry;
	u32 seq;

	b = rcu_dereference_protected(books,
				      lockdep_is_held(&rubato_params_lock));
	entry = b ? map_value(b->ledger, slot) : NULL;
	if (!entry)
		return;
	seq = READ_ONCE(entry->params.seq) | 1;
	WRITE_ONCE(entry->params.seq, seq);
	smp_wmb();	/* odd is seen before any of what follows */
	params_copy(&entry->params, params);
	memcpy(entry->name, name, RUBATO_NAME_SIZE);
	smp_wmb();	/* all of that is seen before even */
	WRITE_ONCE(entry->params.seq, seq + 1);
	cores_tell(b, slot);	/* ordered by its first barrier */
}

static u64 add_saturating(u64 a, u64 b)
{
	u64 sum;

	return check_add_overflow(a, b, &sum) ? U64_MAX : sum;
}

static s64 add_saturating_signed(s64 a, s64 b)
{
	s64 sum;

	if (!check_add_overflow(a, b, &sum))
		return sum;
	return b < 0 ? S64_MIN : S64_MAX;
}

/* One 64-bit word of one core's account, or NULL past the last core. */
static const u64 *account_word(struct rubato_books *b, u32 slot, u32 core,
			       size_t offset)
{
	struct rubato_ledger *entry = map_value(b->ledger, slot);

	if (!entry || core >= b->nr_cores)
		return NULL;
	return (void *)&entry->core[core] + offset;
}

/**
 * rubato_ledger_sum() - add up one counter of a tenant over all cores
 * @slot: below RUBATO_SLOTS
 * @offset: of an unsigned 64-bit word in struct rubato_account
 *
 * Context: any that may enter an RCU section.
 * Return: the sum, saturated; 0 while no daemon is attached.
 */
u64 rubato_ledger_sum(u32 slot, size_t offset)
{
	struct rubato_books *b;
	const u64 *word;
	u64 sum = 0;
	u32 core;

	rcu_read_lock();
	b = rcu_dereference(books);
	for (core = 0; b && (word = account_word(b, slot, core, offset)); core++)
		sum = add_saturating(sum, READ_ONCE(*word));
	rcu_read_unlock();
	return sum;
}

/**
 * rubato_ledger_sum_signed() - as rubato_ledger_sum(), for a signed word
 * @slot: below RUBATO_SLOTS
 * @offset: of a signed 64-bit word in struct rubato_account
 */
s64 rubato_ledger_sum_signed(u32 slot, size_t offset)
{
	struct rubato_books *b;
	const u64 *word;
	s64 sum = 0;
	u32 core;

	rcu_read_lock();
	b = rcu_dereference(books);
	for (core = 0; b && (word = account_word(b, slot, core, offset)); core++)
		sum = add_saturating_signed(sum, READ_ONCE(*word));
	rcu_read_unlock();
	return sum;
}

/**
 * rubato_ledger_sum_steer() - add up one of XDP's counters over all CPUs
 * @slot: below RUBATO_SLOTS
 * @offset: of a 64-bit word in struct rubato_steer
 *
 * Context: any that may enter an RCU section.
 * Return: the sum, saturated; 0 while no daemon is attached.
 */
u64 rubato_ledger_sum_steer(u32 slot, size_t offset)
{
	const struct rubato_books *b;
	const void *line;
	u64 sum = 0;
	u32 cpu;

	rcu_read_lock();
	b = rcu_dereference(books);
	for (cpu = 0; b && cpu < b->nr_cpus; cpu++) {
		line = map_value(b->steer, cpu * RUBATO_SLOTS + slot);
		if (line)
			sum = add_saturating(sum,
					     READ_ONCE(*(u64 *)(line + offset)));
	}
	rcu_read_unlock();
	return sum;
}
