/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernel versions, or is hidden from modules: here and
 * nowhere else. Written for 6.1 and 6.12.
 */
#ifndef RUBATO_COMPAT_H
#define RUBATO_COMPAT_H

#include <linux/cgroup.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "Rubato needs Linux 6.1 or later"
#endif

/**
 * rubato_cgroup_is_dead() - has this cgroup been removed?
 * @cgroup: the caller holds a reference
 *
 * cgroup_is_dead() is private to kernel/cgroup/. css_is_dying() will not do:
 * since 6.12 it looks at a flag that the removal of a cgroup does not set on
 * the cgroup's own css.
 *
 * Context: any. Return: true from the moment that rmdir has succeeded.
 */
static inline bool rubato_cgroup_is_dead(struct cgroup *cgroup)
{
	return !(READ_ONCE(cgroup->self.flags) & CSS_ONLINE);
}

/**
 * rubato_run_delay_ns() - how long a task has waited for a CPU, ever
 * @task: current
 *
 * Context: process. Return: 0 always where the kernel does not keep it; then
 * what was stolen counts as used.
 */
#ifdef CONFIG_SCHED_INFO
static inline u64 rubato_run_delay_ns(const struct task_struct *task)
{
	return READ_ONCE(task->sched_info.run_delay);
}
#else
static inline u64 rubato_run_delay_ns(const struct task_struct *task)
{
	return 0;
}
#endif

/**
 * rubato_dump_attributes() - what the request for a dump has
 * @cb: of that dump
 *
 * Context: the dump's callbacks. Return: an array by attribute.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
static inline struct nlattr **rubato_dump_attributes(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->attrs;
}
#else
static inline struct nlattr **rubato_dump_attributes(struct netlink_callback *cb)
{
	return genl_info_dump(cb)->attrs;
}
#endif

/**
 * rubato_mmap_trylock() - write-lock an address space, if nobody has it
 * @mm: any; unlocked by mmap_write_unlock()
 *
 * mmap_write_trylock() had no users left, and went.
 *
 * Context: process.
 */
static inline bool rubato_mmap_trylock(struct mm_struct *mm)
{
	if (!down_write_trylock(&mm->mmap_lock))
		return false;
#ifdef CONFIG_PER_VMA_LOCK
	mm_lock_seqcount_begin(mm);
#endif
	return true;
}

/**
 * rubato_vmas_trylock() - write-lock every region of an address space, or none
 * @mm: its mmap_lock is held for writing
 *
 * mm_take_all_locks() does that too, but waits: a page fault that holds the
 * lock of one region may itself wait for a file system that does not answer.
 * Locks taken here are let go with the mmap_lock. Before there were locks of
 * regions, the mmap_lock is all it needs.
 *
 * Context: process. Return: false if a page fault is going on.
 */
#ifdef CONFIG_PER_VMA_LOCK
static inline bool rubato_vma_trylock(struct vm_area_struct *vma)
{
	unsigned int sequence;

	if (__is_vma_write_locked(vma, &sequence))
		return true;
	if (!down_write_trylock(&vma->vm_lock->lock))
		return false;
	WRITE_ONCE(vma->vm_lock_seq, sequence);
	up_write(&vma->vm_lock->lock);
	return true;
}

static inline bool rubato_vmas_trylock(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(iterator, mm, 0);

	for_each_vma(iterator, vma) {
		if (!rubato_vma_trylock(vma))
			return false;
	}
	return true;
}
#else
static inline bool rubato_vmas_trylock(struct mm_struct *mm)
{
	return true;
}
#endif

/*
 * The beginning of what native_flush_tlb_multi() is given, hidden from modules.
 * Whoever reads it compares it with what flush_tlb_mm_range() was given.
 */
struct rubato_flush_info {
	struct mm_struct *mm;		/* NULL: of whoever has flushes waiting */
	unsigned long start;
	unsigned long end;
	u64 generation;
	unsigned int initiating_cpu;
};

/**
 * rubato_cpu_is_lazy() - does a kernel thread borrow the address space there?
 * @cpu: any
 *
 * The variable is exported, and declared for the kernel itself only.
 *
 * Context: any. Return: what may be different already.
 */
#ifdef MODULE
struct rubato_tlb_shared {
	bool is_lazy;
};
DECLARE_PER_CPU_SHARED_ALIGNED(struct rubato_tlb_shared, cpu_tlbstate_shared);
#endif

static inline bool rubato_cpu_is_lazy(unsigned int cpu)
{
	return READ_ONCE(per_cpu(cpu_tlbstate_shared, cpu).is_lazy);
}

/*
 * bpf_map_get() has been in this namespace since 6.12's stable series; where
 * there is no such namespace, importing it means nothing.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define RUBATO_IMPORT_BPF()	MODULE_IMPORT_NS(BPF_INTERNAL)
#else
#define RUBATO_IMPORT_BPF()	MODULE_IMPORT_NS("BPF_INTERNAL")
#endif

#endif /* RUBATO_COMPAT_H */
