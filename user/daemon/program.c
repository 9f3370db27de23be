// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "program.h"
#include "steer.skel.h"

#define PROGRAM_NAME	"rubato_steer"

struct program {
	const struct bpf_object *maps;
	char pin_path[256];
	struct steer_bpf *skeleton;	/* NULL until something is attached */
	struct xdp_program *xdp;
};

static void set_pin_path(char *path, size_t size, const char *pin_dir)
{
	snprintf(path, size, "%s/program", pin_dir);
}

struct program *program_new(const struct bpf_object *maps, const char *pin_dir)
{
	struct program *program = calloc(1, sizeof(*program));

	if (!program)
		return NULL;
	program->maps = maps;
	set_pin_path(program->pin_path, sizeof(program->pin_path), pin_dir);
	unlink(program->pin_path);
	return program;
}

static void close_object(struct program *program)
{
	xdp_program__close(program->xdp);
	steer_bpf__destroy(program->skeleton);
	program->xdp = NULL;
	program->skeleton = NULL;
}

void program_free(struct program *program)
{
	unlink(program->pin_path);
	if (program->skeleton)
		close_object(program);
	free(program);
}

/* Those that have names of their own; .rodata and the like are its own. */
static int share_maps(struct program *program)
{
	struct bpf_map *map, *shared;
	int err;

	bpf_object__for_each_map(map, program->skeleton->obj) {
		shared = bpf_object__find_map_by_name(program->maps,
						      bpf_map__name(map));
		if (!shared || strchr(bpf_map__name(map), '.'))
			continue;
		err = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		if (err)
			return err;
	}
	return 0;
}

static int open_object(struct program *program)
{
	int err;

	program->skeleton = steer_bpf__open();
	if (!program->skeleton)
		return -errno;
	err = share_maps(program);
	if (err)
		goto destroy;
	program->xdp = xdp_program__from_bpf_obj(program->skeleton->obj, "xdp");
	err = libxdp_get_error(program->xdp);
	if (!err)
		return 0;
destroy:
	steer_bpf__destroy(program->skeleton);
	program->skeleton = NULL;
	return err;
}

static bool is_loaded(const struct program *program)
{
	return program->skeleton && xdp_program__fd(program->xdp) >= 0;
}

bool program_in_dispatcher(const struct program *program)
{
	return bpf_program__type(program->skeleton->progs.rubato_steer) ==
	       BPF_PROG_TYPE_EXT;
}

static bool is_alone(const struct program *program)
{
	return is_loaded(program) && !program_in_dispatcher(program);
}

static __u32 xdp_flags(bool native)
{
	return native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

/*
 * The first time, libxdp loads it: for its dispatcher, or alone if the kernel
 * has no use for that. One that cannot be loaded cannot be tried once more.
 */
static int attach_by_libxdp(struct program *program, int ifindex, bool native)
{
	int err = program->skeleton ? 0 : open_object(program);

	if (!err)
		err = xdp_program__attach(program->xdp, ifindex, native ?
					  XDP_MODE_NATIVE : XDP_MODE_SKB, 0);
	if (err && program->skeleton && !is_loaded(program))
		close_object(program);
	if (!err && is_alone(program))
		bpf_obj_pin(xdp_program__fd(program->xdp), program->pin_path);
	return err;
}

/*
 * Not by libxdp when it is alone: to find out what a netdev has, the library
 * lists all, and with 1,024 ports that was half of all that the daemon did.
 */
int program_attach(struct program *program, int ifindex, bool native)
{
	if (!is_alone(program))
		return attach_by_libxdp(program, ifindex, native);
	return bpf_xdp_attach(ifindex, xdp_program__fd(program->xdp),
			      xdp_flags(native) | XDP_FLAGS_UPDATE_IF_NOEXIST,
			      NULL);
}

/* Fails if it is another program that is there. */
static int detach_alone(int fd, int ifindex, bool native)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = fd);

	return bpf_xdp_detach(ifindex, xdp_flags(native), &options);
}

void program_detach(struct program *program, int ifindex, bool native)
{
	if (is_alone(program))
		detach_alone(xdp_program__fd(program->xdp), ifindex, native);
	else
		xdp_program__detach(program->xdp, ifindex, native ?
				    XDP_MODE_NATIVE : XDP_MODE_SKB, 0);
}

/* Whichever it is, wherever it sits. */
static bool detach_by_name(int ifindex)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *program = NULL;
	bool found = false;

	if (libxdp_get_error(all))
		return false;
	if (xdp_multiprog__is_legacy(all)) {
		program = xdp_multiprog__main_prog(all);
		found = program &&
			!strcmp(xdp_program__name(program), PROGRAM_NAME) &&
			!xdp_multiprog__detach(all);
		goto close;
	}
	while ((program = xdp_multiprog__next_prog(program, all))) {
		if (strcmp(xdp_program__name(program), PROGRAM_NAME))
			continue;
		found = !xdp_program__detach(program, ifindex,
					xdp_multiprog__attach_mode(all), 0);
		break;
	}
close:
	xdp_multiprog__close(all);
	return found;
}

int program_detach_stale(const char *pin_dir, const int *ifindexes, int nr)
{
	char path[256];
	int fd, count = 0;

	set_pin_path(path, sizeof(path), pin_dir);
	fd = bpf_obj_get(path);
	for (int i = 0; i < nr; i++)
		count += (fd >= 0 && (!detach_alone(fd, ifindexes[i], true) ||
				      !detach_alone(fd, ifindexes[i], false))) ||
			 detach_by_name(ifindexes[i]);
	if (fd >= 0)
		close(fd);
	return count;
}
