// SPDX-License-Identifier: GPL-2.0
/*
 * The steer program in libxdp's dispatcher, with other XDP programs before and
 * behind it on the same device. Kernels without freplace have no dispatcher;
 * there libxdp attaches the first program alone.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "../kselftest.h"
#include "beside.skel.h"
#include "wire.h"

#define TESTS_A_MODE	5
#define BEFORE		10	/* priorities; the steer program has 50 */
#define BEHIND		90

static struct world world;
static struct wire wire;

/* A program that libxdp attaches; it owns neither object nor maps. */
struct guest {
	struct bpf_object *object;
	struct xdp_program *program;
};

static int silence(enum libbpf_print_level level, const char *format,
		   va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

static int guest_add(struct guest *guest, enum xdp_attach_mode mode)
{
	return xdp_program__attach(guest->program, world.ifindex[UPLINK], mode,
				   0);
}

static int guest_remove(struct guest *guest, enum xdp_attach_mode mode)
{
	return xdp_program__detach(guest->program, world.ifindex[UPLINK], mode,
				   0);
}

/* Takes @object over. */
static bool guest_open(struct guest *guest, struct bpf_object *object)
{
	guest->object = object;
	guest->program = xdp_program__from_bpf_obj(object, "xdp");
	return !libxdp_get_error(guest->program);
}

static void guest_close(struct guest *guest)
{
	xdp_program__close(guest->program);
	bpf_object__close(guest->object);
}

/* A second copy of the steer program, on the maps of the world's. */
static bool open_steer(struct guest *guest)
{
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, options);
	struct bpf_object *object;
	struct bpf_map *map;
	const void *elf;
	size_t size;
	int theirs;

	elf = steer_bpf__elf_bytes(&size);
	options.object_name = "steer";
	object = bpf_object__open_mem(elf, size, &options);
	if (!object)
		return false;
	bpf_object__for_each_map(map, object) {
		theirs = bpf_object__find_map_fd_by_name(world.skeleton->obj,
							 bpf_map__name(map));
		if (theirs < 0 || bpf_map__reuse_fd(map, theirs)) {
			bpf_object__close(object);
			return false;
		}
	}
	return guest_open(guest, object);
}

static bool open_beside(struct guest *guest, unsigned int priority)
{
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, options);
	struct bpf_object *object;
	const void *elf;
	size_t size;

	elf = beside_bpf__elf_bytes(&size);
	options.object_name = "beside";
	object = bpf_object__open_mem(elf, size, &options);
	return object && guest_open(guest, object) &&
	       !xdp_program__set_run_prio(guest->program, priority);
}

/* Frames that this one has seen, or -1. */
static long seen(const struct guest *guest)
{
	int map = bpf_object__find_map_fd_by_name(guest->object, "seen");
	__u32 zero = 0;
	__u64 frames;

	return bpf_map_lookup_elem(map, &zero, &frames) ? -1 : (long)frames;
}

/* How many programs share the device in a dispatcher; -1: there is none. */
static int programs(void)
{
	struct xdp_multiprog *all =
		xdp_multiprog__get_from_ifindex(world.ifindex[UPLINK]);
	int count = -1;

	if (libxdp_get_error(all))
		return -1;
	if (!xdp_multiprog__is_legacy(all))
		count = xdp_multiprog__program_count(all);
	xdp_multiprog__close(all);
	return count;
}

static bool nothing_attached(void)
{
	__u32 program = 1;

	return !bpf_xdp_query_id(world.ifindex[UPLINK], 0, &program) &&
	       program == 0;
}

/* Does a program that nothing can be wrong with get into a dispatcher? */
static bool dispatcher_works(void)
{
	struct guest guest;
	bool works;

	if (!open_beside(&guest, BEFORE))
		return false;
	works = !guest_add(&guest, XDP_MODE_NATIVE) && programs() == 1;
	guest_remove(&guest, XDP_MODE_NATIVE);
	guest_close(&guest);
	return works;
}

/* Without the programs in place nothing would arrive, for a long time. */
static struct wire_counts send_if(bool good, int queues)
{
	struct wire_counts none = { 0 };

	return good ? wire_deliver(&wire, UPLINK, queues) : none;
}

static void report(bool good, const char *mode, const char *what,
		   const struct wire_counts *counts)
{
	ksft_test_result(good && !counts->wrong && counts->steered > 20 &&
			 counts->left > 20,
			 "%s: %s: %d frames to their sockets, %d to the "
			 "kernel, %d wrong\n", mode, what, counts->steered,
			 counts->left, counts->wrong);
}

/* One after the other comes in, and goes. */
static void test_mode(const char *name, enum xdp_attach_mode mode, int queues)
{
	struct guest steer, before, behind;
	struct wire_counts counts;
	bool good;

	if (!open_steer(&steer) || !open_beside(&before, BEFORE) ||
	    !open_beside(&behind, BEHIND)) {
		fprintf(stderr, "# %s: cannot open the programs\n", name);
		exit(1);
	}
	good = !guest_add(&steer, mode) && programs() == 1;
	counts = send_if(good, queues);
	report(good, name, "in a dispatcher", &counts);

	good = !guest_add(&before, mode) && programs() == 2;
	counts = send_if(good, queues);
	report(good && seen(&before) == counts.steered + counts.left, name,
	       "a program before it sees all", &counts);

	good = !guest_add(&behind, mode) && programs() == 3;
	counts = send_if(good, queues);
	report(good && seen(&behind) == counts.left, name,
	       "a program behind it sees what passes", &counts);

	good = !guest_remove(&before, mode) && !guest_remove(&behind, mode) &&
	       programs() == 1;
	counts = send_if(good, queues);
	report(good, name, "the others are gone again", &counts);

	good = !guest_remove(&steer, mode) && nothing_attached();
	ksft_test_result(good, "%s: nothing is left\n", name);
	guest_close(&behind);
	guest_close(&before);
	guest_close(&steer);
}

/* Debian's kernels in the virtual machine are known to have freplace. */
static bool may_lack_dispatcher(void)
{
	const char *machine = getenv("RUBATO_VM");

	return !machine || !*machine || !strcmp(machine, "debug");
}

int main(void)
{
	int i;

	ksft_print_header();
	ksft_set_plan(2 * TESTS_A_MODE);
	libbpf_set_print(silence);
	libxdp_set_print((libxdp_print_fn_t)silence);
	if (world_open(&world) || wire_open(&wire, &world))
		return 1;
	if (may_lack_dispatcher() && !dispatcher_works()) {
		for (i = 0; i < 2 * TESTS_A_MODE; i++)
			ksft_test_result_skip("libxdp has no dispatcher here: "
					      "the kernel lacks freplace\n");
	} else {
		test_mode("native", XDP_MODE_NATIVE, QUEUES);
		test_mode("generic", XDP_MODE_SKB, 1);
	}
	wire_close(&wire);
	world_close(&world);
	ksft_finished();
}
