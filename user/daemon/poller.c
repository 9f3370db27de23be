// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/rubato.h>
#include <rubato/bits.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "active.h"
#include "calibrate.h"
#include "clock.h"
#include "core/probe.h"
#include "poller.h"
#include "serve.h"

#define EVENTS_AT_ONCE		64
/* An interval this long may hide another thread's turn: ask the kernel. */
#define SUSPICIOUS_US		20
#define CPU_TIME_EVERY_US	10000
#define LOOK_EVERY_US		1000
#define TAKE_BACK_EVERY_US	50

struct poller_call {
	struct poller_call *next;
	int (*fn)(struct poller *poller, void *argument);
	void *argument;
	int result;
	bool done;
};

static uint64_t us_to_cycles(const struct poller *poller, uint64_t us)
{
	return clock_ns_to_cycles(us * 1000, poller->config.tsc_khz);
}

static struct rubato_core *own_line(struct poller *poller)
{
	return &poller->config.cores[poller->config.core];
}

uint64_t poller_bill(struct poller *poller, uint32_t slot,
		     enum rubato_phase phase, uint32_t units, uint32_t bytes)
{
	uint64_t cycles = books_bill(&poller->books, slot, phase, units, bytes,
				     clock_cycles());

	poller->now = poller->books.last;
	return cycles;
}

/* --- calls from the control thread, run on the poller --- */

static void run_calls(struct poller *poller)
{
	struct poller_call *call;

	pthread_mutex_lock(&poller->call_lock);
	call = poller->calls;
	poller->calls = NULL;
	__atomic_store_n(&poller->calls_waiting, false, __ATOMIC_RELAXED);
	for (; call; call = call->next) {
		call->result = call->fn(poller, call->argument);
		call->done = true;
	}
	pthread_cond_broadcast(&poller->call_done);
	pthread_mutex_unlock(&poller->call_lock);
	poller_bill(poller, RUBATO_SLOT_SYSTEM, RUBATO_PHASE_FORWARD, 0, 0);
}

int poller_call(struct poller *poller, int (*fn)(struct poller *, void *),
		void *argument)
{
	struct poller_call call = { .fn = fn, .argument = argument };

	pthread_mutex_lock(&poller->call_lock);
	call.next = poller->calls;
	poller->calls = &call;
	/* Before the bell: whoever silences it sees this. */
	__atomic_store_n(&poller->calls_waiting, true, __ATOMIC_RELEASE);
	eventfd_write(poller->bell_fd, 1);
	while (!call.done)
		pthread_cond_wait(&poller->call_done, &poller->call_lock);
	pthread_mutex_unlock(&poller->call_lock);
	return call.result;
}

int poller_barrier(struct poller *poller, void *unused)
{
	(void)poller, (void)unused;
	return 0;
}

static int stop(struct poller *poller, void *unused)
{
	(void)unused;
	poller->stopping = true;
	return 0;
}

static int watch(struct poller *poller, struct source *source)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLET,
		.data.ptr = source,
	};

	if (poller->assist)
		return assist_add(poller->assist, source->fd, source,
				  &source->assist_index);
	return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) ?
	       -errno : 0;
}

static void unwatch(struct poller *poller, struct source *source)
{
	if (poller->assist)
		assist_remove(poller->assist, source->assist_index);
	else
		epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

int poller_add_source(struct poller *poller, void *pointer)
{
	struct source *source = pointer;
	int err = watch(poller, source);

	if (err)
		return err;
	source->next_polled = source->queue->polled;
	source->queue->polled = source;
	return 0;
}

static void unlink_polled(struct source *source)
{
	struct source **link = &source->queue->polled;

	while (*link && *link != source)
		link = &(*link)->next_polled;
	if (*link)
		*link = source->next_polled;
}

int poller_remove_source(struct poller *poller, void *pointer)
{
	struct source *source = pointer;

	unwatch(poller, source);
	active_remove(source);
	unlink_polled(source);
	serve_discard(poller, source);
	return 0;
}

int poller_change_slot(struct poller *poller, struct source *source,
		       uint32_t slot)
{
	bool active = source->list;

	active_remove(source);
	source->slot = slot;
	source->cost = (struct rubato_cost){ 0 };
	if (active)
		active_add(poller, source);
	return 0;
}

static int remember_queue(struct poller *poller, struct queue *queue)
{
	struct queue **queues;

	if (!queue_is_shared(queue))
		return 0;
	queues = realloc(poller->shared,
			 (poller->nr_shared + 1) * sizeof(*queues));
	if (!queues)
		return -ENOMEM;
	poller->shared = queues;
	queues[poller->nr_shared++] = queue;
	return 0;
}

/* An owned queue has one socket for both directions, which is there already. */
static int watch_tx(struct poller *poller, struct queue *queue)
{
	const struct source *first = queue->sources[0];
	int err = 0;

	if (!poller->assist)
		return 0;
	if (first && first->fd == queue->tx_fd)
		queue->assist_index = first->assist_index;
	else
		err = assist_add(poller->assist, queue->tx_fd, NULL,
				 &queue->assist_index);
	if (err)
		return err;
	queue->assist = poller->assist;
	assist_set_tx(poller->assist, queue->assist_index, queue);
	return 0;
}

static void unwatch_tx(struct poller *poller, struct queue *queue)
{
	if (queue->assist && queue_is_shared(queue))
		assist_remove(poller->assist, queue->assist_index);
	queue->assist = NULL;
}

int poller_remove_queue(struct poller *poller, void *pointer)
{
	struct queue *queue = pointer;
	uint32_t i;

	while (queue->polled)
		poller_remove_source(poller, queue->polled);
	unwatch_tx(poller, queue);
	active_remove(&queue->tx_source);
	for (i = 0; i < poller->nr_shared; i++)
		if (poller->shared[i] == queue)
			poller->shared[i] = poller->shared[--poller->nr_shared];
	return 0;
}

int poller_add_queue(struct poller *poller, void *pointer)
{
	struct queue *queue = pointer;
	int err = remember_queue(poller, queue);

	for (uint32_t i = 0; !err && i < queue->nr_sources; i++)
		if (queue->sources[i])
			err = poller_add_source(poller, queue->sources[i]);
	if (!err)
		err = watch_tx(poller, queue);
	if (err)
		poller_remove_queue(poller, queue);
	return err;
}

/*
 * Sources move to the list they belong to under the new policy; the scheduler
 * carries over which queues are runnable, so only lists have to follow.
 */
int poller_set_policy(struct poller *poller, void *pointer)
{
	const struct sched_policy *policy = pointer;
	struct source_list all;
	int err;

	active_take_all(poller, &all);
	err = sched_set_policy(poller->sched, policy, poller->now);
	active_add_all(poller, &all);
	if (!err)
		strncpy(own_line(poller)->policy, policy->name,
			sizeof(own_line(poller)->policy) - 1);
	return err;
}

int poller_refresh(struct poller *poller, void *slot_pointer)
{
	uint32_t slot = *(uint32_t *)slot_pointer;

	sched_refresh(poller->sched, slot, poller->now);
	return 0;
}

/* There are more bits than slots, and others than the module may write them. */
static void refresh_slots(struct poller *poller, uint32_t word, uint64_t bits)
{
	for (; bits; bits &= bits - 1) {
		uint32_t slot = word * 64 + __builtin_ctzll(bits);

		if (slot < RUBATO_SLOTS)
			sched_refresh(poller->sched, slot, poller->now);
	}
}

/*
 * Parameters that the module wrote. Whatever is written how often: one reading
 * per slot and round.
 */
static void take_changes(struct poller *poller)
{
	struct rubato_bits *changed = &own_line(poller)->changed;
	uint64_t words = rubato_bits_take_words(changed);

	if (!words)
		return;
	for (; words; words &= words - 1) {
		uint32_t word = __builtin_ctzll(words);

		refresh_slots(poller, word, rubato_bits_take(changed, word));
	}
	poller_bill(poller, RUBATO_SLOT_SYSTEM, RUBATO_PHASE_FORWARD, 0, 0);
}

static uint64_t sum_of_accounts(struct poller *poller)
{
	uint64_t sum = 0;

	for (uint32_t slot = 0; slot < RUBATO_SLOTS; slot++)
		for (int phase = 0; phase < RUBATO_PHASES; phase++)
			sum += poller_account(poller, slot)->cycles[phase];
	return sum;
}

static void read_cpu_time(struct poller *poller)
{
	__atomic_store_n(&own_line(poller)->cpu_time_ns,
			 clock_thread_cpu_ns(), __ATOMIC_RELAXED);
}

int poller_snapshot(struct poller *poller, void *pointer)
{
	struct poller_snapshot *snapshot = pointer;

	poller_bill(poller, RUBATO_SLOT_SYSTEM, RUBATO_PHASE_FORWARD, 0, 0);
	read_cpu_time(poller);
	snapshot->core = *own_line(poller);
	snapshot->assist = assist_name(poller->assist);
	snapshot->billed_cycles = sum_of_accounts(poller);
	return 0;
}

/* --- the loop --- */

/*
 * Looking for work is caused by those for whom some is found, a packet's
 * worth each; when nothing new is found, the time goes to whoever is served
 * next, or to idle.
 */
static void bill_finding(struct poller *poller, struct books_share *woken,
			 uint32_t nr_woken)
{
	books_split(&poller->books, RUBATO_PHASE_RX, woken, nr_woken, 1, 0,
		    clock_cycles());
	poller->now = poller->books.last;
}

/* Who rang it has said why in a word that is looked at before any sleep. */
static void silence_bell(struct poller *poller)
{
	eventfd_t rings;

	eventfd_read(poller->bell_fd, &rings);
}

static void activate_events(struct poller *poller, struct epoll_event *events,
			    int nr_events)
{
	struct books_share woken[EVENTS_AT_ONCE];
	uint32_t nr_woken = 0;

	for (int i = 0; i < nr_events; i++) {
		struct source *source = events[i].data.ptr;

		if (!source) {
			silence_bell(poller);
			continue;
		}
		serve_note_arrivals(poller, source);
		active_add(poller, source);
		woken[nr_woken++] = (struct books_share) {
			.slot = source->slot,
			.packets = 1,
		};
	}
	if (nr_woken)
		bill_finding(poller, woken, nr_woken);
}

static void take_assisted(struct poller *poller)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n;

	while ((n = assist_events(poller->assist, events)))
		activate_events(poller, events, n);
}

/* What the thread has transmitted; all of it, since each is little to do. */
static void take_kicked(struct poller *poller)
{
	struct assist_kicked kicked;

	while (assist_next_kicked(poller->assist, &kicked))
		serve_kicked(poller, &kicked);
}

static void take_events(struct poller *poller)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(poller->epoll_fd, events, EVENTS_AT_ONCE, 0);

	if (n > 0)
		activate_events(poller, events, n);
}

static void find_work(struct poller *poller)
{
	uint64_t looked = poller->now;

	if (poller->assist) {
		assist_poll(poller);
		take_kicked(poller);
		take_assisted(poller);
	} else {
		take_events(poller);
	}
	poller->looked = looked;
}

static void take_handoffs(struct poller *poller)
{
	struct handoffs *handoffs = poller->config.handoffs;
	uint32_t core = poller->config.core;
	uint64_t waiting = handoff_take_waiting(handoffs, core);

	for (; waiting; waiting &= waiting - 1) {
		uint32_t from = __builtin_ctzll(waiting);

		serve_handoff(poller, from);
		if (handoff_peek(handoffs, from, core))
			handoff_remind(handoffs, from, core);
	}
}

/* Cycles until the next broke tenant may be served again. */
static uint64_t cycles_to_next(struct poller *poller)
{
	uint64_t when = sched_next_funded(poller->sched, poller->now);

	if (when == UINT64_MAX)
		return UINT64_MAX;
	return when > poller->now ? when - poller->now : 0;
}

static bool call_waits(const struct poller *poller)
{
	/* Pairs with poller_call(). */
	return __atomic_load_n(&poller->calls_waiting, __ATOMIC_ACQUIRE);
}

/* Returns how many events there are. */
static int sleep_for(struct poller *poller, uint64_t cycles,
		     struct epoll_event *events)
{
	struct timespec timeout;
	uint64_t ns = UINT64_MAX;

	if (cycles != UINT64_MAX)
		ns = clock_cycles_to_ns(cycles, poller->config.tsc_khz);
	if (poller->assist) {
		assist_sleep(poller->assist, ns);
		return 0;
	}
	timeout.tv_sec = ns / 1000000000;
	timeout.tv_nsec = ns % 1000000000;
	return epoll_pwait2(poller->epoll_fd, events, EVENTS_AT_ONCE,
			    ns == UINT64_MAX ? NULL : &timeout, NULL);
}

static void sleep_until_work(struct poller *poller)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t cycles = cycles_to_next(poller);
	int n;

	if (call_waits(poller) || rubato_bits_any(&own_line(poller)->changed) ||
	    !handoff_sleep(poller->config.handoffs, poller->config.core))
		return;
	probe_sleep(poller->config.core, cycles);
	n = sleep_for(poller, cycles, events);
	handoff_wake(poller->config.handoffs, poller->config.core);
	poller->now = clock_cycles();
	poller->slept = true;
	cycles = books_asleep(&poller->books, poller->now);
	probe_wake(poller->config.core, cycles);
	ledger_add(&own_line(poller)->wakeups, 1);
	poller->idle_since = poller->now;
	/* What woke it came when it was woken, as far as can be told. */
	poller->looked = poller->now;
	if (n > 0)
		activate_events(poller, events, n);
}

static void idle(struct poller *poller)
{
	uint64_t spin = poller->config.spin_us;

	if (poller->now >= poller->look_next) {
		poller->look_next = poller->now +
				    us_to_cycles(poller, LOOK_EVERY_US);
		books_look(&poller->books);
	}
	books_idle(&poller->books, clock_cycles());
	poller->now = poller->books.last;
	if (!poller->idle_since)
		poller->idle_since = poller->now;
	if (spin == POLLER_SPIN_ALWAYS ||
	    poller->now - poller->idle_since < us_to_cycles(poller, spin))
		return;
	sleep_until_work(poller);
}

static void serve(struct poller *poller, const struct sched_grant *grant)
{
	struct source *source = active_take(poller, grant->slot);

	if (source && serve_source(poller, source, grant))
		active_add(poller, source);
	sched_put(poller->sched, grant, active_any(poller, grant->slot),
		  poller->now);
}

/*
 * Not only where frames come in: when all that hoard are parked, nobody is
 * served, and everybody else's frames are lost for want of chunks. In a queue of
 * its own a tenant takes chunks from nobody; a thousand of those cost nothing.
 */
static void take_back(struct poller *poller)
{
	if (poller->now < poller->take_back_next)
		return;
	poller->take_back_next = poller->now +
				 us_to_cycles(poller, TAKE_BACK_EVERY_US);
	for (uint32_t i = 0; i < poller->nr_shared; i++)
		if (queue_short_of_chunks(poller->shared[i]))
			serve_take_back(poller, poller->shared[i]);
}

static void drop_late(struct poller *poller)
{
	struct source *source;

	while ((source = active_take_late(poller)))
		serve_drop_late(poller, source);
}

static void note_cpu_time(struct poller *poller)
{
	if (poller->now < poller->cpu_time_next)
		return;
	poller->cpu_time_next = poller->now +
				us_to_cycles(poller, CPU_TIME_EVERY_US);
	read_cpu_time(poller);
}

static void round_once(struct poller *poller)
{
	struct sched_grant grant;

	ledger_add(&own_line(poller)->passes, 1);
	if (call_waits(poller)) {
		/* It may have said to stop: no sleep before that is seen. */
		run_calls(poller);
		return;
	}
	take_changes(poller);
	take_handoffs(poller);
	find_work(poller);
	note_cpu_time(poller);
	take_back(poller);
	drop_late(poller);
	if (!sched_pick(poller->sched, poller->now, &grant)) {
		/* It may have found somebody broke, whose frames are late. */
		if (!active_any_late(poller))
			idle(poller);
		return;
	}
	poller->idle_since = 0;
	serve(poller, &grant);
}

static uint64_t cycles_of(const struct poller *poller, uint64_t ns)
{
	return clock_ns_to_cycles(ns, poller->config.tsc_khz);
}

/*
 * What the kernel says the thread had no CPU for since the last look. While it
 * ran, that is what passed less what the thread's CPU clock counted: waiting
 * for the CPU, and the hypervisor's part. Across a sleep only the waiting can
 * be told, by run_delay.
 */
static uint64_t lost_since(const struct poller *poller,
			   const struct clock_look *now)
{
	const struct clock_look *last = &poller->last_look;
	uint64_t passed = now->cycles - last->cycles;
	uint64_t ran = cycles_of(poller, now->cpu_ns - last->cpu_ns);

	if (poller->slept)
		return cycles_of(poller, now->run_delay_ns - last->run_delay_ns);
	return passed > ran ? passed - ran : 0;
}

static struct clock_look look_at_clocks(const struct poller *poller)
{
	return (struct clock_look) {
		.run_delay_ns = clock_run_delay_ns(poller->schedstat_fd),
		.cpu_ns = clock_thread_cpu_ns(),
		.cycles = clock_cycles(),
	};
}

/* Ever; the books ask when an interval is suspiciously long, or was slept. */
static uint64_t run_delay_cycles(void *context, uint64_t *stamp)
{
	struct poller *poller = context;
	struct clock_look now = look_at_clocks(poller);

	poller->lost_cycles += lost_since(poller, &now);
	poller->last_look = now;
	poller->slept = false;
	*stamp = now.cycles;
	return poller->lost_cycles;
}

static void open_books(struct poller *poller)
{
	struct rubato_core *line = own_line(poller);

	/* Bits may have been set since the scheduler read all parameters. */
	memset(line, 0, offsetof(struct rubato_core, changed));
	line->cpu = poller->config.cpu;
	line->tsc_khz = poller->config.tsc_khz;
	line->tsc_invariant = poller->config.tsc_invariant;
	line->quantum_cycles = us_to_cycles(poller, poller->config.quantum_us);
	strncpy(line->policy, poller->config.policy->name,
		sizeof(line->policy) - 1);
	poller->books = (struct books) {
		.core = line,
		.sched = poller->sched,
		.suspicious_cycles = us_to_cycles(poller, SUSPICIOUS_US),
		.run_delay_cycles = poller->schedstat_fd < 0 ? NULL :
							run_delay_cycles,
		.context = poller,
	};
	poller->last_look = look_at_clocks(poller);
	poller->now = clock_cycles();
	poller->looked = poller->now;
	books_open(&poller->books, poller->now);
	line->flags = RUBATO_CORE_LIVE;
}

static void *poller_main(void *argument)
{
	struct poller *poller = argument;

	poller->schedstat_fd = clock_open_schedstat();
	poller_calibrate(poller);
	open_books(poller);
	while (!poller->stopping)
		round_once(poller);
	own_line(poller)->flags = 0;
	if (poller->schedstat_fd >= 0)
		close(poller->schedstat_fd);
	return NULL;
}

/* Also tells the steer program, which has another clock. */
static void broke_until(void *context, uint32_t slot, uint64_t until)
{
	struct poller *poller = context;
	struct rubato_pool *pool = &poller->config.ledger[slot].pool;
	uint64_t ns = 0;

	if (until > poller->now)
		ns = clock_monotonic_ns() +
		     clock_cycles_to_ns(until - poller->now,
					poller->config.tsc_khz);
	__atomic_store_n(&pool->broke_until_ns, ns, __ATOMIC_RELAXED);
	active_broke_until(poller, slot, until);
}

/* Tells the module's tracepoints; without a module nobody asks. */
static void note(void *context, uint32_t slot, enum rubato_note kind,
		 int64_t credit_cycles)
{
	struct poller *poller = context;
	struct rubato_ioc_note event = {
		.size = sizeof(event),
		.slot = slot,
		.core = poller->config.core,
		.kind = kind,
		.credit_cycles = credit_cycles,
	};

	ioctl(poller->config.module_fd, RUBATO_IOC_NOTE, &event);
}

static int new_sched(struct poller *poller)
{
	uint64_t quantum = us_to_cycles(poller, poller->config.quantum_us);
	struct sched_config config = {
		.ledger = poller->config.ledger,
		.core = poller->config.core,
		.quantum_cycles = quantum,
		.slice_cycles = quantum / 2,
		.nr_cores = poller->config.nr_cores,
		.note = poller->config.module_fd < 0 ? NULL : note,
		.broke_until = broke_until,
		.context = poller,
	};

	poller->sched = sched_new(&config, poller->config.policy);
	return poller->sched ? 0 : -ENOMEM;
}

/*
 * The module's device rings as the bell does, whenever parameters changed. Only
 * the control thread reads what there is to read: we want edges.
 */
static int watch_module(struct poller *poller)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = poller->config.module_fd;

	if (fd < 0)
		return 0;
	return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int open_bell(struct poller *poller)
{
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller->epoll_fd < 0)
		return -errno;
	poller->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (poller->bell_fd < 0)
		goto close_epoll;
	if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->bell_fd, &event) ||
	    watch_module(poller))
		goto close_bell;
	return 0;

close_bell:
	err = -errno;
	close(poller->bell_fd);
	errno = -err;
close_epoll:
	err = -errno;
	close(poller->epoll_fd);
	return err;
}

static void close_bell(struct poller *poller)
{
	close(poller->bell_fd);
	close(poller->epoll_fd);
}

/*
 * Left to choose, a poller that is not bound to one CPU does without, as does
 * one whose module does not offer it. A CPU for a thread is wanted, or is not
 * there.
 */
static int open_assist(struct poller *poller, struct rubato_error *error)
{
	const struct poller_config *config = &poller->config;
	const struct assist_config wanted = {
		.module_fd = config->module_fd,
		.core = config->core,
		.cpu = config->cpu,
		.thread_cpu = config->assist_cpu,
		.idle_us = config->spin_us < RUBATO_ASSIST_IDLE_US_MAX ?
			   config->spin_us : RUBATO_ASSIST_IDLE_US_MAX,
		.bell_fd = poller->bell_fd,
		.quantum_cycles = us_to_cycles(poller, config->quantum_us),
		.ledger = config->ledger,
	};
	bool may_lack = config->assist == ASSIST_AUTO;

	if (config->assist == ASSIST_OFF ||
	    (may_lack && (config->module_fd < 0 || config->cpu < 0)))
		return 0;
	poller->assist = assist_open(&wanted, error);
	if (poller->assist || (may_lack && error->code == ENOTTY))
		return 0;
	return -error->code;
}

static int start_thread(struct poller *poller)
{
	pthread_attr_t attributes;
	cpu_set_t cpus;
	char name[16];
	int err;

	pthread_attr_init(&attributes);
	if (poller->config.cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(poller->config.cpu, &cpus);
		pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
	}
	err = pthread_create(&poller->thread, &attributes, poller_main, poller);
	pthread_attr_destroy(&attributes);
	if (err)
		return -err;
	snprintf(name, sizeof(name), "rubato-poll/%u", poller->config.core);
	pthread_setname_np(poller->thread, name);
	return 0;
}

int poller_start(struct poller *poller, const struct poller_config *config,
		 struct rubato_error *error)
{
	int err;

	*poller = (struct poller) { .config = *config };
	active_open(poller);
	pthread_mutex_init(&poller->call_lock, NULL);
	pthread_cond_init(&poller->call_done, NULL);
	err = new_sched(poller);
	if (err)
		goto failed;
	err = open_bell(poller);
	if (err)
		goto free_sched;
	handoffs_set_wakeup(config->handoffs, config->core, poller->bell_fd);
	err = open_assist(poller, error);
	if (err)
		goto close_bell;
	err = start_thread(poller);
	if (err)
		goto close_assist;
	return 0;

close_assist:
	assist_close(poller->assist);
close_bell:
	close_bell(poller);
free_sched:
	sched_free(poller->sched);
failed:
	return rubato_error_set(error, err,
				"cannot start the poller of core %u on CPU %d: %s",
				config->core, config->cpu, strerror(-err));
}

void poller_stop(struct poller *poller)
{
	poller_call(poller, stop, NULL);
	pthread_join(poller->thread, NULL);
	assist_close(poller->assist);
	close_bell(poller);
	sched_free(poller->sched);
	free(poller->shared);
	pthread_cond_destroy(&poller->call_done);
	pthread_mutex_destroy(&poller->call_lock);
}
