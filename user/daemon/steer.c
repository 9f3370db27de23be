// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "program.h"
#include "steer.h"
#include "steer.skel.h"

struct steer {
	struct steer_bpf *skeleton;	/* maps only; its program is not loaded */
	struct program *program;
	char pin_dir[256];
	uint32_t nr_cpus;
	uint32_t nr_cores;
	struct rubato_ledger *ledger;
	struct rubato_core *cores;
	struct rubato_latency *latency;
	struct rubato_steer *counters;
};

struct steer_attachment {
	struct steer *steer;
	int ifindex;
	bool native;
};

static size_t map_bytes(const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)bpf_map__value_size(map) *
		       bpf_map__max_entries(map);

	return (bytes + page - 1) / page * page;
}

static void *share_map(const struct bpf_map *map, struct rubato_error *error)
{
	void *memory = mmap(NULL, map_bytes(map), PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(map), 0);

	if (memory != MAP_FAILED)
		return memory;
	rubato_error_set(error, -errno, "cannot mmap BPF map %s: %s",
			 bpf_map__name(map), strerror(errno));
	return NULL;
}

static int share_maps(struct steer *steer, struct rubato_error *error)
{
	steer->ledger = share_map(steer->skeleton->maps.ledger, error);
	if (!steer->ledger)
		return -EIO;
	steer->cores = share_map(steer->skeleton->maps.cores, error);
	if (!steer->cores)
		goto unmap_ledger;
	steer->latency = share_map(steer->skeleton->maps.latency, error);
	if (!steer->latency)
		goto unmap_cores;
	steer->counters = share_map(steer->skeleton->maps.steer, error);
	if (!steer->counters)
		goto unmap_latency;
	return 0;

unmap_latency:
	munmap(steer->latency, map_bytes(steer->skeleton->maps.latency));
unmap_cores:
	munmap(steer->cores, map_bytes(steer->skeleton->maps.cores));
unmap_ledger:
	munmap(steer->ledger, map_bytes(steer->skeleton->maps.ledger));
	return -EIO;
}

static void unshare_maps(struct steer *steer)
{
	munmap(steer->counters, map_bytes(steer->skeleton->maps.steer));
	munmap(steer->latency, map_bytes(steer->skeleton->maps.latency));
	munmap(steer->cores, map_bytes(steer->skeleton->maps.cores));
	munmap(steer->ledger, map_bytes(steer->skeleton->maps.ledger));
}

static int pin_path(const struct steer *steer, const struct bpf_map *map,
		    char *path, size_t size)
{
	int length = snprintf(path, size, "%s/%s", steer->pin_dir,
			      bpf_map__name(map));

	return length < (int)size ? 0 : -ENAMETOOLONG;
}

/* .rodata and the like have a dot in their name and are nobody's business. */
static bool is_private(const struct bpf_map *map)
{
	return strchr(bpf_map__name(map), '.') != NULL;
}

static void unpin_maps(struct steer *steer)
{
	struct bpf_map *map;
	char path[512];

	bpf_object__for_each_map(map, steer->skeleton->obj)
		if (!is_private(map) && !pin_path(steer, map, path, sizeof(path)))
			unlink(path);
}

static int pin_maps(struct steer *steer, struct rubato_error *error)
{
	struct bpf_map *map;
	char path[512];
	int err;

	if (mkdir(steer->pin_dir, 0700) && errno != EEXIST)
		return rubato_error_set(error, -errno,
					"cannot make %s: %s (is bpffs mounted there? mount -t bpf bpf /sys/fs/bpf)",
					steer->pin_dir, strerror(errno));
	unpin_maps(steer);
	bpf_object__for_each_map(map, steer->skeleton->obj) {
		if (is_private(map))
			continue;
		err = pin_path(steer, map, path, sizeof(path));
		if (!err)
			err = bpf_obj_pin(bpf_map__fd(map), path) ? -errno : 0;
		if (err) {
			unpin_maps(steer);
			return rubato_error_set(error, err,
						"cannot pin %s: %s (is bpffs mounted there? mount -t bpf bpf /sys/fs/bpf)",
						path, strerror(-err));
		}
	}
	return 0;
}

static int load_maps(struct steer *steer, struct rubato_error *error)
{
	int err;

	steer->skeleton = steer_bpf__open();
	if (!steer->skeleton)
		return rubato_error_set(error, -errno,
					"cannot open the steer program: %s",
					strerror(errno));
	bpf_program__set_autoload(steer->skeleton->progs.rubato_steer, false);
	bpf_map__set_max_entries(steer->skeleton->maps.steer,
				 steer->nr_cpus * RUBATO_SLOTS);
	bpf_map__set_max_entries(steer->skeleton->maps.latency,
				 steer->nr_cores * RUBATO_SLOTS);
	err = steer_bpf__load(steer->skeleton);
	if (!err)
		return 0;
	steer_bpf__destroy(steer->skeleton);
	return rubato_error_set(error, err,
				"cannot create BPF maps: %s%s", strerror(-err),
				err == -EPERM ? " (CAP_BPF and CAP_NET_ADMIN are needed: run as root)" : "");
}

static int silence(enum libbpf_print_level level, const char *format,
		   va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

struct steer *steer_open(const char *pin_dir, uint32_t nr_cpus,
			 uint32_t nr_cores, struct rubato_error *error)
{
	struct steer *steer = calloc(1, sizeof(*steer));

	if (!steer) {
		rubato_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	/* Both libraries narrate their probing; errors are reported by us. */
	if (!getenv("RUBATO_DEBUG_LIBBPF")) {
		libbpf_set_print(silence);
		libxdp_set_print((libxdp_print_fn_t)silence);
	}
	snprintf(steer->pin_dir, sizeof(steer->pin_dir), "%s", pin_dir);
	steer->nr_cpus = nr_cpus;
	steer->nr_cores = nr_cores;
	if (load_maps(steer, error))
		goto free_steer;
	if (share_maps(steer, error))
		goto destroy;
	if (pin_maps(steer, error))
		goto unshare;
	steer->program = program_new(steer->skeleton->obj, steer->pin_dir);
	if (!steer->program)
		goto unpin;
	return steer;

unpin:
	rubato_error_set(error, -ENOMEM, "out of memory");
	unpin_maps(steer);
unshare:
	unshare_maps(steer);
destroy:
	steer_bpf__destroy(steer->skeleton);
free_steer:
	free(steer);
	return NULL;
}

void steer_close(struct steer *steer)
{
	program_free(steer->program);
	unpin_maps(steer);
	rmdir(steer->pin_dir);
	unshare_maps(steer);
	steer_bpf__destroy(steer->skeleton);
	free(steer);
}

int steer_detach_stale(const char *pin_dir)
{
	uint32_t ifindex, *previous = NULL;
	int *ifindexes = calloc(STEER_PORTS_MAX, sizeof(*ifindexes));
	char path[512];
	int fd, nr = 0;

	snprintf(path, sizeof(path), "%s/ports", pin_dir);
	fd = bpf_obj_get(path);
	if (fd < 0 || !ifindexes)
		goto out;
	while (nr < STEER_PORTS_MAX &&
	       !bpf_map_get_next_key(fd, previous, &ifindex)) {
		ifindexes[nr++] = ifindex;
		previous = &ifindex;
	}
	nr = program_detach_stale(pin_dir, ifindexes, nr);
out:
	if (fd >= 0)
		close(fd);
	free(ifindexes);
	return nr;
}

struct rubato_ledger *steer_ledger(struct steer *steer)
{
	return steer->ledger;
}

struct rubato_core *steer_cores(struct steer *steer)
{
	return steer->cores;
}

struct rubato_latency *steer_latency(struct steer *steer, uint32_t core)
{
	return &steer->latency[core * RUBATO_SLOTS];
}

struct rubato_steer *steer_counters(struct steer *steer)
{
	return steer->counters;
}

uint32_t steer_nr_cpus(const struct steer *steer)
{
	return steer->nr_cpus;
}

int steer_ledger_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.ledger);
}

int steer_cores_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.cores);
}

int steer_counters_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.steer);
}

struct steer_attachment *steer_attach(struct steer *steer, int ifindex,
				      const char *ifname, bool generic,
				      struct steer_mode *mode,
				      struct rubato_error *error)
{
	struct steer_attachment *attachment = calloc(1, sizeof(*attachment));
	int err = -EOPNOTSUPP;

	if (!attachment) {
		rubato_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	attachment->steer = steer;
	attachment->ifindex = ifindex;
	if (!generic)
		err = program_attach(steer->program, ifindex, true);
	attachment->native = !err;
	if (err && err != -EBUSY)
		err = program_attach(steer->program, ifindex, false);
	if (err) {
		rubato_error_set(error, err, "%s: cannot attach XDP: %s%s",
				 ifname, strerror(-err), err == -EBUSY ?
				 " (another XDP program is there that does not share: see `bpftool net`)" : "");
		free(attachment);
		return NULL;
	}
	mode->native = attachment->native;
	mode->dispatcher = program_in_dispatcher(steer->program);
	return attachment;
}

void steer_detach(struct steer_attachment *attachment)
{
	program_detach(attachment->steer->program, attachment->ifindex,
		       attachment->native);
	free(attachment);
}

int steer_set_port(struct steer *steer, int ifindex,
		   const struct steer_port *port)
{
	uint32_t key = ifindex;

	return bpf_map_update_elem(bpf_map__fd(steer->skeleton->maps.ports),
				   &key, port, BPF_ANY) ? -errno : 0;
}

void steer_clear_port(struct steer *steer, int ifindex)
{
	uint32_t key = ifindex;

	bpf_map_delete_elem(bpf_map__fd(steer->skeleton->maps.ports), &key);
}

union route_key {
	struct steer_key4 v4;
	struct steer_key6 v6;
};

static int route_map(struct steer *steer, int family, const uint8_t *address,
		     uint8_t prefix_length, union route_key *key)
{
	if (family == AF_INET) {
		key->v4.prefix_length = prefix_length;
		memcpy(key->v4.address, address, sizeof(key->v4.address));
		return bpf_map__fd(steer->skeleton->maps.routes4);
	}
	key->v6.prefix_length = prefix_length;
	memcpy(key->v6.address, address, sizeof(key->v6.address));
	return bpf_map__fd(steer->skeleton->maps.routes6);
}

int steer_set_route(struct steer *steer, int family, const uint8_t *address,
		    uint8_t prefix_length, const struct steer_route *route)
{
	union route_key key;
	int fd = route_map(steer, family, address, prefix_length, &key);

	return bpf_map_update_elem(fd, &key, route, BPF_ANY) ? -errno : 0;
}

void steer_clear_route(struct steer *steer, int family, const uint8_t *address,
		       uint8_t prefix_length)
{
	union route_key key;
	int fd = route_map(steer, family, address, prefix_length, &key);

	bpf_map_delete_elem(fd, &key);
}

int steer_set_tunnel(struct steer *steer, const struct steer_tunnel_key *key,
		     const struct steer_tunnel *tunnel)
{
	int fd = bpf_map__fd(steer->skeleton->maps.tunnels_out);

	return bpf_map_update_elem(fd, key, tunnel, BPF_ANY) ? -errno : 0;
}

void steer_clear_tunnel(struct steer *steer,
			const struct steer_tunnel_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(steer->skeleton->maps.tunnels_out),
			    key);
}

int steer_set_tunnel_end(struct steer *steer,
			 const struct steer_tunnel_end *end, uint32_t slot)
{
	int fd = bpf_map__fd(steer->skeleton->maps.tunnels_in);

	return bpf_map_update_elem(fd, end, &slot, BPF_ANY) ? -errno : 0;
}

void steer_clear_tunnel_end(struct steer *steer,
			    const struct steer_tunnel_end *end)
{
	bpf_map_delete_elem(bpf_map__fd(steer->skeleton->maps.tunnels_in), end);
}

int steer_set_socket(struct steer *steer, uint32_t index, int fd)
{
	return bpf_map_update_elem(bpf_map__fd(steer->skeleton->maps.xsks),
				   &index, &fd, BPF_ANY) ? -errno : 0;
}

void steer_clear_socket(struct steer *steer, uint32_t index)
{
	bpf_map_delete_elem(bpf_map__fd(steer->skeleton->maps.xsks), &index);
}

static int macs_fd(const struct steer *steer)
{
	return bpf_map__fd(steer->skeleton->maps.macs);
}

void steer_machine_moved(struct steer *steer, int bridge_ifindex,
			 const uint8_t *mac, int ifindex)
{
	struct steer_mac_key key = { .bridge_ifindex = bridge_ifindex };
	uint32_t known;

	memcpy(key.mac, mac, sizeof(key.mac));
	if (!bpf_map_lookup_elem(macs_fd(steer), &key, &known) &&
	    known != (uint32_t)ifindex)
		bpf_map_delete_elem(macs_fd(steer), &key);
}

void steer_forget_machines(struct steer *steer)
{
	struct steer_mac_key key;

	while (!bpf_map_get_next_key(macs_fd(steer), NULL, &key) &&
	       !bpf_map_delete_elem(macs_fd(steer), &key))
		;
}

int steer_set_shared(struct steer *steer, bool shared)
{
	struct steer_config config = {
		.flags = shared ? STEER_CONFIG_FIFO : 0,
	};
	uint32_t key = 0;

	return bpf_map_update_elem(
			bpf_map__fd(steer->skeleton->maps.steer_config), &key,
			&config, BPF_ANY) ? -errno : 0;
}

int steer_publish_tenant(struct steer *steer, const char *name,
			 const struct rubato_tenant_sums *sums)
{
	struct rubato_tenant_key key = {};

	snprintf(key.name, sizeof(key.name), "%s", name);
	return bpf_map_update_elem(bpf_map__fd(steer->skeleton->maps.tenants),
				   &key, sums, BPF_ANY) ? -errno : 0;
}

void steer_unpublish_tenant(struct steer *steer, const char *name)
{
	struct rubato_tenant_key key = {};

	snprintf(key.name, sizeof(key.name), "%s", name);
	bpf_map_delete_elem(bpf_map__fd(steer->skeleton->maps.tenants), &key);
}
