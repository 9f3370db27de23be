// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel touches a process's memory where it cannot wait for a page: what is
 * in the master, but not in the replica yet, must be there nevertheless.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "tests.h"

/* In the master as before, in no replica: those of the range are zapped. */
static bool chill(void *memory, size_t bytes)
{
	return expect(!mprotect(memory, bytes, PROT_READ)) &&
		expect(!mprotect(memory, bytes, PROT_READ | PROT_WRITE));
}

/* --- futexes ----------------------------------------------------------------- */

static long futex(void *word, int op, int value, long value2, void *word2,
		  int value3)
{
	return syscall(SYS_futex, word, op, value, value2, word2, value3);
}

#define ADD_ONE	FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 1000000)

/* Where nothing is, or what the replica does not know; waiting must not happen. */
static bool futex_cold(struct area *area, unsigned int place)
{
	int *word = (int *)area->words, *word2 = word + PAGE / 2;
	bool ok;

	on_place(place);
	ok = expect(!madvise(area->words, AREA, MADV_DONTNEED)) &
		expect(futex(word, FUTEX_WAKE_OP, 1, 1, word2, ADD_ONE) == 0) &
		expect(*word2 == 1) & chill(area->words, AREA) &
		expect(futex(word, FUTEX_WAKE_OP, 1, 1, word2, ADD_ONE) == 0) &
		expect(*word2 == 2) & chill(area->words, AREA);
	ok &= expect(futex(word2, FUTEX_WAIT, 77, 0, NULL, 0) < 0 &&
		     errno == EAGAIN) & chill(area->words, AREA);
	ok &= expect(!futex(word, FUTEX_LOCK_PI, 0, 0, NULL, 0)) &
		chill(area->words, AREA) &
		expect(*word == (int)syscall(SYS_gettid));
	return ok & chill(area->words, AREA) &
		expect(!futex(word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0)) &
		expect(*word == 0);
}

bool futex_on_cold_memory(void)
{
	struct area area;
	unsigned int i;
	bool ok = area_map(&area, AREA);

	for (i = 0; ok && i < rounds(10); i++)
		ok = futex_cold(&area, i);
	return ok;
}

struct pingpong {
	int *turn;
	unsigned int times;
	int seen;
};

/* Waits for its turns, odd or even, and passes them on. */
static void play(struct pingpong *game, int parity)
{
	int *turn = game->turn, now;
	unsigned int i;

	for (i = 0; i < game->times; i++) {
		while (((now = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) & 1) !=
		       parity)
			futex(turn, FUTEX_WAIT, now, 0, NULL, 0);
		__atomic_store_n(turn, now + 1, __ATOMIC_RELEASE);
		futex(turn, FUTEX_WAKE, 1, 0, NULL, 0);
	}
}

static void *play_second(void *argument)
{
	on_place(1);
	play(argument, 1);
	return NULL;
}

static void *play_first(void *argument)
{
	struct pingpong *game = argument;

	on_place(0);
	play(game, 0);
	__atomic_store_n(&game->seen, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* While the page of the futex becomes cold all the time. */
bool futex_between_nodes(void)
{
	struct pingpong game = { .times = rounds(200) };
	pthread_t first, second;
	struct area area;
	bool ok = area_map(&area, AREA);

	game.turn = memset(area.words, 0, PAGE);
	pthread_create(&first, NULL, play_first, &game);
	pthread_create(&second, NULL, play_second, &game);
	while (ok && !__atomic_load_n(&game.seen, __ATOMIC_ACQUIRE)) {
		ok = expect(!madvise(area.words, PAGE, MADV_COLD)) &
			expect(!write_file("/proc/self/clear_refs", "4"));
		usleep(500);
	}
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	return ok & expect(*game.turn == (int)(2 * game.times));
}

/* --- signal frames ---------------------------------------------------------------- */

#define STACK (16 * PAGE)

static volatile int signals_seen;

static void on_signal(int signal)
{
	char room[2 * PAGE];
	int seen = signals_seen + (signal == SIGUSR1);

	memset(room, seen, sizeof(room));
	asm volatile("" : : "r"(room) : "memory");
	asm volatile("vpxor %%ymm3, %%ymm3, %%ymm3" : : : "xmm3");
	signals_seen = seen;
}

/*
 * A signal to this thread, with @in in a wide register, and what is in it
 * afterwards: the frame is written to the alternate stack with page faults
 * disabled first.
 */
__attribute__((target("avx")))
static long signal_with(const uint64_t *in, uint64_t *out)
{
	long pid = getpid(), tid = syscall(SYS_gettid), number = SYS_tgkill;

	asm volatile("vmovdqu (%4), %%ymm3\n\t"
		     "syscall\n\t"
		     "vmovdqu %%ymm3, (%5)\n\t"
		     "vzeroupper"
		     : "+a"(number)
		     : "D"(pid), "S"(tid), "d"((long)SIGUSR1), "r"(in), "r"(out)
		     : "rcx", "r11", "memory", "xmm3");
	return number;
}

static bool signal_once(void *stack, unsigned int i)
{
	uint64_t in[4] = { i, ~0ULL - i, i * 3, 0xf00d }, out[4] = { 0 };
	int seen = signals_seen;

	on_place(i);
	if (i & 1 ? !chill(stack, STACK) : madvise(stack, STACK, MADV_DONTNEED))
		return false;
	return expect(!signal_with(in, out)) & expect(signals_seen == seen + 1) &
		expect(!memcmp(in, out, sizeof(in)));
}

bool signal_frames(void)
{
	struct sigaction action = {
		.sa_handler	= on_signal,
		.sa_flags	= SA_ONSTACK,
	};
	struct area area, stack;
	stack_t alternate = { .ss_size = STACK };
	unsigned int i;
	bool ok;

	if (!__builtin_cpu_supports("avx"))
		skip("no AVX");
	ok = area_map(&area, AREA) && area_map(&stack, STACK) &&
		walk_start(&area, WALK_WRITES);
	alternate.ss_sp = stack.words;
	ok = ok && expect(!sigaltstack(&alternate, NULL)) &&
		expect(!sigaction(SIGUSR1, &action, NULL));
	for (i = 0; ok && i < rounds(20); i++)
		ok = signal_once(stack.words, i);
	return walk_stop() & ok & area_same(&area);
}

/* --- vsyscall ------------------------------------------------------------------------ */

#define VSYSCALL 0xffffffffff600000UL

static bool vsyscall_mapped(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, "[vsyscall]");
	if (file)
		fclose(file);
	return found;
}

/* Above all that is a process's own, and answered by the fault handler. */
bool vsyscall(void)
{
	int (*get_time)(struct timeval *, void *) = (void *)VSYSCALL;
	struct timeval *then, now;
	struct area area;
	unsigned int i;
	bool ok;

	if (!vsyscall_mapped())
		skip("no vsyscall page");
	ok = area_map(&area, AREA);
	then = (void *)area.words;
	for (i = 0; ok && i < rounds(6); i++) {
		on_place(i / 2);
		ok = i & 1 ? chill(then, PAGE) :
			!madvise(then, PAGE, MADV_DONTNEED);
		ok &= expect(!get_time(then, NULL));
		gettimeofday(&now, NULL);
		ok &= expect(now.tv_sec - then->tv_sec < 100);
	}
	return ok;
}

/* --- tracing ----------------------------------------------------------------------- */

#define TRACING		"/sys/kernel/tracing/instances/rubato-pgtable"

/* Every line that was written is there, and not as "<faulted>". */
static bool trace_has(unsigned int times)
{
	FILE *file = fopen(TRACING "/trace", "re");
	unsigned int found = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		found += !!strstr(line, "cold!");
	if (file)
		fclose(file);
	if (found != times)
		ksft_print_msg("%u of %u lines\n", found, times);
	return expect(found == times);
}

/* Fewer than 8 bytes: a longer copy that failed is tried again byte by byte. */
static bool mark(int fd, char *text, unsigned int i)
{
	size_t length = strlen(strcpy(text, "cold!\n"));

	on_place(i);
	return chill(text, PAGE) &
		expect(write(fd, text, length) == (ssize_t)length);
}

bool trace_marker(void)
{
	struct area area;
	unsigned int i;
	bool ok;
	int fd;

	if (!machine_is_ours() || (mkdir(TRACING, 0700) && errno != EEXIST))
		skip("no tracing of its own");
	fd = open(TRACING "/trace_marker", O_WRONLY | O_CLOEXEC);
	ok = expect(fd >= 0) && area_map(&area, AREA);
	for (i = 0; ok && i < 64; i++)
		ok = mark(fd, (char *)area.words + i % 8 * PAGE, i);
	ok = ok && trace_has(64);
	close(fd);
	rmdir(TRACING);
	return ok;
}

static int sample_stacks(void)
{
	struct perf_event_attr attr = {
		.type			= PERF_TYPE_SOFTWARE,
		.size			= sizeof(attr),
		.config			= PERF_COUNT_SW_CPU_CLOCK,
		.sample_period		= 1000000,
		.sample_type		= PERF_SAMPLE_CALLCHAIN |
					  PERF_SAMPLE_STACK_USER |
					  PERF_SAMPLE_REGS_USER,
		.sample_regs_user	= 1 << 8,	/* ip */
		.sample_stack_user	= 4096,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* Frames deep enough that a sample reads pages of the stack. */
__attribute__((noinline))
static uint64_t deep(unsigned int levels, uint64_t seed)
{
	volatile uint64_t room[128] = { seed };

	if (levels)
		room[1] = deep(levels - 1, seed + 1);
	else
		room[1] = 0;
	return room[0] + room[1];
}

struct digger {
	uint64_t wrong, bytes;
	int fd, done;
};

static void dig_down(struct digger *digger)
{
	unsigned int i;

	for (i = 0; i < rounds(3000); i++) {
		if (i % 100 == 0)
			on_place(i / 100);
		digger->wrong += deep(60, i) != 61ULL * i + 60 * 61 / 2;
	}
}

static void *dig(void *argument)
{
	struct perf_event_mmap_page *ring;
	struct digger *digger = argument;

	digger->fd = sample_stacks();
	ring = mmap(NULL, 17 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    digger->fd, 0);
	dig_down(digger);
	if (ring != MAP_FAILED)
		digger->bytes = ring->data_head;
	__atomic_store_n(&digger->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Its stack becomes cold under it, and is read from interrupts. */
bool perf_stacks(void)
{
	struct digger digger = { 0 };
	struct area stack;
	pthread_attr_t attr;
	pthread_t thread;
	bool ok = area_map(&stack, 4 * AREA);

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack.words, 4 * AREA);
	ok &= expect(!pthread_create(&thread, &attr, dig, &digger));
	while (!__atomic_load_n(&digger.done, __ATOMIC_ACQUIRE)) {
		ok &= expect(!write_file("/proc/self/clear_refs", "4"));
		usleep(2000);
	}
	pthread_join(thread, NULL);
	if (digger.fd < 0)
		skip("no perf events");
	return ok & expect(!digger.wrong) & expect(digger.bytes > 0);
}
