// SPDX-License-Identifier: GPL-2.0
/*
 * The maps as people and other programs see them: types, sizes, mmap, and
 * every field by its name in `bpftool map dump`.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>
#include "../kselftest.h"
#include "world.h"

#define DUMP_MAX	(1 << 20)

struct map_facts {
	const char *name;
	enum bpf_map_type type;
	__u32 key_size, value_size, max_entries, flags;
};

static struct world world;
static char dump[DUMP_MAX];

static const struct map_facts facts[] = {
	{ "ports", BPF_MAP_TYPE_HASH, 4, sizeof(struct steer_port),
	  STEER_PORTS_MAX, 0 },
	{ "routes4", BPF_MAP_TYPE_LPM_TRIE, 8, sizeof(struct steer_route),
	  STEER_ROUTES_MAX, BPF_F_NO_PREALLOC },
	{ "routes6", BPF_MAP_TYPE_LPM_TRIE, 20, sizeof(struct steer_route),
	  STEER_ROUTES_MAX, BPF_F_NO_PREALLOC },
	{ "macs", BPF_MAP_TYPE_LRU_HASH, sizeof(struct steer_mac_key), 4,
	  STEER_MACS_MAX, 0 },
	{ "xsks", BPF_MAP_TYPE_XSKMAP, 4, 4, STEER_XSKS_MAX, 0 },
	{ "steer_config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct steer_config),
	  1, 0 },
	{ "steer", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct rubato_steer),
	  0 /* CPUs * RUBATO_SLOTS */, BPF_F_MMAPABLE },
	{ "ledger", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct rubato_ledger),
	  RUBATO_SLOTS, BPF_F_MMAPABLE },
	{ "cores", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct rubato_core),
	  RUBATO_CORES_MAX, BPF_F_MMAPABLE },
	{ "latency", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct rubato_latency),
	  RUBATO_SLOTS /* times pollers, by the daemon */, BPF_F_MMAPABLE },
	{ "tenants", BPF_MAP_TYPE_HASH, RUBATO_NAME_SIZE,
	  sizeof(struct rubato_tenant_sums), RUBATO_SLOTS, 0 },
};
#define NR_MAPS	(int)(sizeof(facts) / sizeof(facts[0]))

static struct bpf_map *find_map(const char *name)
{
	return bpf_object__find_map_by_name(world.skeleton->obj, name);
}

static bool right_facts(const struct map_facts *should)
{
	struct bpf_map *map = find_map(should->name);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	__u32 entries = should->max_entries;

	if (!entries)
		entries = world.cpus * RUBATO_SLOTS;
	return map && !bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size) &&
	       !strcmp(info.name, should->name) && info.type == should->type &&
	       info.key_size == should->key_size &&
	       info.value_size == should->value_size &&
	       info.max_entries == entries && info.map_flags == should->flags;
}

/* Put one entry into a map that has none yet. */
static bool put_entry(struct bpf_map *map)
{
	char key[RUBATO_NAME_SIZE] = "name-of-a-tenant";
	char value[sizeof(struct rubato_tenant_sums)] = { 1 };

	return !bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);
}

static bool read_dump(struct bpf_map *map)
{
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);
	char command[80];
	size_t size;
	FILE *pipe;

	if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &bytes))
		return false;
	/* The head will do: arrays are long, and all entries look the same. */
	snprintf(command, sizeof(command),
		 "bpftool map dump id %u 2>&1 | head -c %d", info.id,
		 DUMP_MAX - 1);
	pipe = popen(command, "r");
	if (!pipe)
		return false;
	size = fread(dump, 1, sizeof(dump) - 1, pipe);
	dump[size] = '\0';
	return !pclose(pipe) && size > 0;
}

/* The structure that @id is, or is an array of; else NULL. */
static const struct btf_type *structure_of(const struct btf *btf, __u32 id)
{
	const struct btf_type *type;

	id = btf__resolve_type(btf, id);
	type = btf__type_by_id(btf, id);
	while (type && btf_is_array(type))
		type = btf__type_by_id(btf, btf_array(type)->type);
	return type && btf_is_struct(type) ? type : NULL;
}

/*
 * Does the dump name every member of the structure of BTF type @id, and of
 * the structures in it? Counts the members.
 */
static bool names_members(const struct btf *btf, __u32 id, int *count)
{
	const struct btf_type *type = structure_of(btf, id);
	const struct btf_member *member;
	char quoted[80];
	int i;

	for (i = 0; type && i < btf_vlen(type); i++) {
		member = btf_members(type) + i;
		snprintf(quoted, sizeof(quoted), "\"%s\":",
			 btf__name_by_offset(btf, member->name_off));
		(*count)++;
		if (!strstr(dump, quoted)) {
			printf("# %s is missing\n", quoted);
			return false;
		}
		if (!names_members(btf, member->type, count))
			return false;
	}
	return true;
}

static void test_dump(const char *name)
{
	const struct btf *btf = bpf_object__btf(world.skeleton->obj);
	struct bpf_map *map = find_map(name);
	int count = 0;
	bool good;

	good = map && btf && read_dump(map) &&
	       names_members(btf, bpf_map__btf_key_type_id(map), &count) &&
	       names_members(btf, bpf_map__btf_value_type_id(map), &count) &&
	       count > 0;
	ksft_test_result(good, "bpftool map dump names the %d fields of %s\n",
			 count, name);
}

/* A word written through the mapping is the word that the map holds. */
static void test_mmap(const char *name, __u32 last, size_t size)
{
	struct bpf_map *map = find_map(name);
	size_t bytes = (last + 1) * size;
	__u64 *value = calloc(1, size);
	bool good = false;
	char *memory;

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(map), 0);
	if (memory != MAP_FAILED) {
		*(__u64 *)(memory + last * size) = 0x1122334455667788ULL;
		good = !bpf_map_lookup_elem(bpf_map__fd(map), &last, value) &&
		       value[0] == 0x1122334455667788ULL;
		munmap(memory, bytes);
	}
	free(value);
	ksft_test_result(good, "mmap of %s, last entry\n", name);
}

/*
 * The loader of the daemon pins by path: any name must do. In a file system of
 * our own, since nobody may have mounted one yet.
 */
static void test_pinning(void)
{
	struct bpf_map *map = find_map("tenants");
	char directory[] = "/tmp/rbx-bpffs-XXXXXX", path[64];
	bool good;

	good = mkdtemp(directory) && !mount("bpf", directory, "bpf", 0, NULL);
	snprintf(path, sizeof(path), "%s/rbx-tenants", directory);
	good = good && !bpf_map__pin(map, path) &&
	       !world_command("bpftool map dump pinned %s | "
			      "grep -q '\"delivered_bytes\": 0'", path);
	umount(directory);
	rmdir(directory);
	ksft_test_result(good, "dump of pinned tenants\n");
}

int main(void)
{
	int i;

	ksft_print_header();
	ksft_set_plan(2 * NR_MAPS + 6);
	if (world_open(&world))
		return 1;
	for (i = 0; i < NR_MAPS; i++)
		ksft_test_result(right_facts(&facts[i]), "facts of map %s\n",
				 facts[i].name);
	ksft_test_result(put_entry(find_map("tenants")), "add a tenant\n");
	for (i = 0; i < NR_MAPS; i++)
		if (facts[i].type != BPF_MAP_TYPE_XSKMAP)
			test_dump(facts[i].name);
	test_mmap("ledger", RUBATO_SLOTS - 1, sizeof(struct rubato_ledger));
	test_mmap("cores", RUBATO_CORES_MAX - 1, sizeof(struct rubato_core));
	test_mmap("latency", RUBATO_SLOTS - 1, sizeof(struct rubato_latency));
	test_mmap("steer", world.cpus * RUBATO_SLOTS - 1,
		  sizeof(struct rubato_steer));
	test_pinning();
	ksft_test_result(!world_command("bpftool prog show name rubato_steer | "
					"grep -q xdp"),
			 "bpftool prog shows the program\n");
	world_close(&world);
	ksft_finished();
}
