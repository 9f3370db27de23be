// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <rubato/bits.h>

#include "assist.h"
#include "poller.h"

/* What a packet and a byte cost, until passes have taught the module. */
#define PACKET_CYCLES		2000
#define BYTE_CYCLES_FP16	(1 << 14)

/* Of a tenant's sixth line, what has been drawn. */
struct drawn {
	uint64_t cycles, packets, bytes;
};

struct assist {
	int module_fd;
	uint32_t core;
	const struct rubato_ledger *ledger;
	struct rubato_assist_area *area;
	uint64_t words;		/* of ->ready: taken, not looked at yet */
	uint64_t kicked_words;	/* of ->kicked */
	uint64_t kicked;	/* bits of the word before the first of these */
	uint32_t kicked_word;	/* which one that is */
	bool thread;
	bool polled;		/* a pass in this round */
	struct source *sources[RUBATO_ASSIST_SOCKETS_MAX + 1];
	struct queue *queues[RUBATO_ASSIST_SOCKETS_MAX + 1];	/* by TX */
	struct rubato_kicked done[RUBATO_ASSIST_SOCKETS_MAX + 1]; /* billed */
	struct drawn drawn[RUBATO_SLOTS];
};

/* --- beginning and end --- */

static int attach_core(const struct assist_config *config)
{
	bool thread = config->thread_cpu >= 0;
	struct rubato_ioc_core core = {
		.size = sizeof(core),
		.flags = thread ? RUBATO_CORE_CGROUP : 0,
		.core = config->core,
		.mode = thread ? RUBATO_ASSIST_THREAD : RUBATO_ASSIST_INLINE,
		.cpu = thread ? config->thread_cpu : config->cpu,
		.bell_fd = config->bell_fd,
		.quantum_cycles = config->quantum_cycles,
		.packet_cycles = PACKET_CYCLES,
		.byte_cycles_fp16 = BYTE_CYCLES_FP16,
		.idle_us = thread ? config->idle_us : 0,
	};

	return ioctl(config->module_fd, RUBATO_IOC_CORE, &core) ? -errno : 0;
}

static int map_area(struct assist *assist)
{
	void *area = mmap(NULL, RUBATO_ASSIST_AREA_SIZE, PROT_READ | PROT_WRITE,
			  MAP_SHARED, assist->module_fd,
			  (off_t)assist->core * RUBATO_ASSIST_AREA_SIZE);

	if (area == MAP_FAILED)
		return -errno;
	assist->area = area;
	return 0;
}

static struct drawn read_line(const struct assist *assist, uint32_t slot)
{
	const struct rubato_account *account;

	account = &assist->ledger[slot].core[assist->core];
	return (struct drawn) {
		__atomic_load_n(&account->kernel_cycles, __ATOMIC_RELAXED),
		__atomic_load_n(&account->kernel_packets, __ATOMIC_RELAXED),
		__atomic_load_n(&account->kernel_bytes, __ATOMIC_RELAXED),
	};
}

static struct assist *assist_new(const struct assist_config *config)
{
	struct assist *assist = calloc(1, sizeof(*assist));

	if (!assist)
		return NULL;
	assist->module_fd = config->module_fd;
	assist->core = config->core;
	assist->thread = config->thread_cpu >= 0;
	assist->ledger = config->ledger;
	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		assist->drawn[slot] = read_line(assist, slot);
	return assist;
}

/* What the module means by an error. */
static const char *reason_of(const struct assist_config *config, int err)
{
	if (err == -ENOTTY)
		return "the module was built without it";
	if (config->thread_cpu >= 0 && err == -ENODEV)
		return "the CPU of its thread is not online";
	if (config->thread_cpu >= 0 && err == -EINVAL)
		return "the daemon's cpuset has not the CPU of its thread";
	return strerror(-err);
}

struct assist *assist_open(const struct assist_config *config,
			   struct rubato_error *error)
{
	struct assist *assist = assist_new(config);
	int err = -ENOMEM;

	if (!assist)
		goto failed;
	err = attach_core(config);
	if (err)
		goto free_assist;
	err = map_area(assist);
	if (err)
		goto free_assist;
	return assist;

free_assist:
	free(assist);
failed:
	rubato_error_set(error, err, "no polling assist for core %u: %s",
			 config->core, reason_of(config, err));
	return NULL;
}

void assist_close(struct assist *assist)
{
	if (!assist)
		return;
	munmap(assist->area, RUBATO_ASSIST_AREA_SIZE);
	free(assist);
}

const char *assist_name(const struct assist *assist)
{
	if (!assist)
		return "off";
	return assist->thread ? "thread" : "inline";
}

bool assist_has_thread(const struct assist *assist)
{
	return assist && assist->thread;
}

/* --- sockets --- */

int assist_add(struct assist *assist, int fd, struct source *source,
	       uint32_t *index)
{
	struct rubato_ioc_socket add = {
		.size = sizeof(add), .core = assist->core, .fd = fd,
	};

	if (ioctl(assist->module_fd, RUBATO_IOC_SOCKET_ADD, &add))
		return -errno;
	assist->sources[add.index] = source;
	*index = add.index;
	return 0;
}

/* Of an index, what the thread has done, ever. */
static struct rubato_kicked read_done(const struct assist *assist,
				      uint32_t index)
{
	const struct rubato_kicked *done = &assist->area->done[index];

	return (struct rubato_kicked) {
		__atomic_load_n(&done->cycles, __ATOMIC_RELAXED),
		__atomic_load_n(&done->errors, __ATOMIC_RELAXED),
	};
}

void assist_set_tx(struct assist *assist, uint32_t index, struct queue *queue)
{
	assist->queues[index] = queue;
	assist->done[index] = read_done(assist, index);
}

void assist_remove(struct assist *assist, uint32_t index)
{
	struct rubato_ioc_socket remove = {
		.size = sizeof(remove), .core = assist->core, .index = index,
	};

	if (index == ASSIST_NO_INDEX)
		return;
	ioctl(assist->module_fd, RUBATO_IOC_SOCKET_REMOVE, &remove);
	assist->sources[index] = NULL;
	assist->queues[index] = NULL;
}

/* --- passes --- */

static int pass(struct assist *assist, struct rubato_ioc_pass *pass)
{
	pass->size = sizeof(*pass);
	pass->core = assist->core;
	if (!assist->polled)
		pass->flags |= RUBATO_PASS_NAPI;
	assist->polled = true;
	return ioctl(assist->module_fd, RUBATO_IOC_PASS, pass) ? -errno : 0;
}

/* (A) and (B) of the thread's sleep, in kmod/assist_thread.c. */
static int ask_thread(struct assist *assist, uint32_t index)
{
	struct rubato_ioc_wake wake = {
		.size = sizeof(wake), .core = assist->core,
	};

	rubato_bits_set(&assist->area->kick, index);
	if (!(__atomic_load_n(&assist->area->flags, __ATOMIC_SEQ_CST) &
	      RUBATO_ASSIST_NEED_WAKEUP))
		return 0;
	return ioctl(assist->module_fd, RUBATO_IOC_WAKE, &wake) ? -errno : 0;
}

int assist_kick(struct assist *assist, uint32_t index)
{
	struct rubato_ioc_pass kick = {
		.flags = RUBATO_PASS_KICK, .kick = index,
	};
	int err;

	if (assist->thread)
		return ask_thread(assist, index);
	err = pass(assist, &kick);
	return err ? err : kick.kick_error;
}

void assist_poll(struct poller *poller)
{
	struct rubato_ioc_pass napi = {};

	if (poller->assist->thread) {
		assist_draw(poller);
		return;
	}
	if (!poller->assist->polled) {
		pass(poller->assist, &napi);
		assist_draw(poller);
	}
	poller->assist->polled = false;
}

/* What one line grew by. */
static uint64_t draw_slot(struct poller *poller, uint32_t slot)
{
	struct drawn *drawn = &poller->assist->drawn[slot];
	struct drawn now = read_line(poller->assist, slot);
	uint64_t cycles = now.cycles - drawn->cycles;

	sched_bill(poller->sched, slot, RUBATO_PHASE_KERNEL, cycles,
		   now.packets - drawn->packets, now.bytes - drawn->bytes);
	*drawn = now;
	return cycles;
}

void assist_draw(struct poller *poller)
{
	struct rubato_bits *billed = &poller->assist->area->billed;
	uint64_t words = rubato_bits_take_words(billed), cycles = 0;

	for (; words; words &= words - 1) {
		uint32_t word = __builtin_ctzll(words);
		uint64_t slots = rubato_bits_take(billed, word);

		for (; slots; slots &= slots - 1)
			cycles += draw_slot(poller, word * 64 +
					    __builtin_ctzll(slots));
	}
	if (poller->assist->thread)
		books_billed_elsewhere(&poller->books, cycles);
	else
		books_billed(&poller->books, cycles);
	poller->now = poller->books.last;
}

/* Of ->kicked: the next index, or ASSIST_NO_INDEX. */
static uint32_t next_kicked_index(struct assist *assist)
{
	struct rubato_bits *kicked = &assist->area->kicked;
	uint32_t bit;

	if (!assist->kicked && !assist->kicked_words)
		assist->kicked_words = rubato_bits_take_words(kicked);
	while (!assist->kicked && assist->kicked_words) {
		assist->kicked_word = __builtin_ctzll(assist->kicked_words);
		assist->kicked_words &= assist->kicked_words - 1;
		assist->kicked = rubato_bits_take(kicked, assist->kicked_word);
	}
	if (!assist->kicked)
		return ASSIST_NO_INDEX;
	bit = __builtin_ctzll(assist->kicked);
	assist->kicked &= assist->kicked - 1;
	return assist->kicked_word * 64 + bit;
}

bool assist_next_kicked(struct assist *assist, struct assist_kicked *kicked)
{
	struct rubato_kicked now;
	uint32_t index;

	/* Of a socket that was removed meanwhile: nothing. */
	do {
		index = next_kicked_index(assist);
		if (index == ASSIST_NO_INDEX)
			return false;
	} while (!assist->queues[index]);
	now = read_done(assist, index);
	kicked->queue = assist->queues[index];
	kicked->cycles = now.cycles - assist->done[index].cycles;
	kicked->errors = now.errors - assist->done[index].errors;
	assist->done[index] = now;
	return true;
}

/* --- what came --- */

static int word_events(struct assist *assist, uint32_t word,
		       struct epoll_event *events)
{
	uint64_t bits = rubato_bits_take(&assist->area->ready, word);
	int n = 0;

	for (; bits; bits &= bits - 1) {
		uint32_t index = word * 64 + __builtin_ctzll(bits);
		struct source *source = assist->sources[index];

		/* Of a socket that was removed meanwhile: nothing. */
		if (source || index == RUBATO_ASSIST_BELL)
			events[n++].data.ptr = source;
	}
	return n;
}

int assist_events(struct assist *assist, struct epoll_event *events)
{
	int n = 0;

	if (!assist->words)
		assist->words = rubato_bits_take_words(&assist->area->ready);
	while (assist->words && !n) {
		n = word_events(assist, __builtin_ctzll(assist->words), events);
		assist->words &= assist->words - 1;
	}
	return n;
}

void assist_sleep(struct assist *assist, uint64_t timeout_ns)
{
	struct rubato_ioc_sleep sleep = {
		.size = sizeof(sleep),
		.core = assist->core,
		.timeout_ns = timeout_ns,
	};

	/* Interrupted, or not: the poller looks for work again. */
	ioctl(assist->module_fd, RUBATO_IOC_SLEEP, &sleep);
}
