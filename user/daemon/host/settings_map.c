// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/host/settings_map.h"

/* Types of the fields, by BTF id. */
struct type_ids {
	int u64, u32, u16, character, array_index;
};

#define ADD_FIELD(btf, type, structure, field)				\
	btf__add_field(btf, #field, type,				\
		       8 * offsetof(struct structure, field), 0)
static int add_key(struct btf *btf, const struct type_ids *ids)
{
	int id = btf__add_struct(btf, "settings_key",
				 sizeof(struct settings_key));

	if (id < 0 ||
	    ADD_FIELD(btf, ids->u64, settings_key, netns_inode) ||
	    ADD_FIELD(btf, ids->u32, settings_key, ifindex) ||
	    ADD_FIELD(btf, ids->u16, settings_key, kind) ||
	    ADD_FIELD(btf, ids->u16, settings_key, index))
		return -ENOMEM;
	return id;
}

/* Fields must follow their struct, with no type in between: arrays first. */
static int add_value(struct btf *btf, const struct type_ids *ids)
{
	int interface, setting, text, id;

	interface = btf__add_array(btf, ids->array_index, ids->character,
				   IFNAMSIZ);
	setting = btf__add_array(btf, ids->array_index, ids->character,
				 sizeof(((struct settings_value *)0)->setting));
	text = btf__add_array(btf, ids->array_index, ids->character,
			      SETTINGS_TEXT_SIZE);
	if (interface < 0 || setting < 0 || text < 0)
		return -ENOMEM;
	id = btf__add_struct(btf, "settings_value",
			     sizeof(struct settings_value));
	if (id < 0 ||
	    ADD_FIELD(btf, ids->u64, settings_value, netns_cookie) ||
	    ADD_FIELD(btf, interface, settings_value, interface) ||
	    ADD_FIELD(btf, setting, settings_value, setting) ||
	    ADD_FIELD(btf, text, settings_value, original) ||
	    ADD_FIELD(btf, text, settings_value, wanted))
		return -ENOMEM;
	return id;
}

static struct btf *describe(int *key, int *value)
{
	struct btf *btf = btf__new_empty();
	struct type_ids ids;

	if (!btf)
		return NULL;
	ids.u64 = btf__add_int(btf, "unsigned long long", 8, 0);
	ids.u32 = btf__add_int(btf, "unsigned int", 4, 0);
	ids.u16 = btf__add_int(btf, "unsigned short", 2, 0);
	ids.character = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	ids.array_index = ids.u32;
	*key = add_key(btf, &ids);
	*value = add_value(btf, &ids);
	if (*key < 0 || *value < 0 || btf__load_into_kernel(btf)) {
		btf__free(btf);
		return NULL;
	}
	return btf;
}

static int create(const char *pin_path, struct rubato_error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options,
		    .map_flags = BPF_F_NO_PREALLOC);
	int key, value, fd, ret;
	struct btf *btf = describe(&key, &value);

	if (btf) {		/* a kernel without BTF: only less readable */
		options.btf_fd = btf__fd(btf);
		options.btf_key_type_id = key;
		options.btf_value_type_id = value;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "rubato_settings",
			    sizeof(struct settings_key),
			    sizeof(struct settings_value),
			    SETTINGS_ENTRIES_MAX, &options);
	btf__free(btf);
	if (fd < 0)
		return -rubato_error_set(error, -fd,
				"creating the BPF map of settings: %s",
				strerror(-fd));
	ret = bpf_obj_pin(fd, pin_path);
	if (!ret)
		return fd;
	close(fd);
	return -rubato_error_set(error, -ret,
			"pinning %s: %s (is its directory on a bpf file system? mount -t bpf bpf /sys/fs/bpf)",
			pin_path, strerror(-ret));
}

int settings_map_open(const char *pin_path, struct rubato_error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_obj_get(pin_path);

	if (fd == -ENOENT)
		return create(pin_path, error);
	if (fd < 0)
		return -rubato_error_set(error, -fd, "opening %s: %s", pin_path,
					 strerror(-fd));
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) &&
	    info.type == BPF_MAP_TYPE_HASH &&
	    info.key_size == sizeof(struct settings_key) &&
	    info.value_size == sizeof(struct settings_value))
		return fd;
	close(fd);
	return -rubato_error_set(error, EPROTO,
			"%s was made by another version of rubatod: let that one run `rubatod --restore`, or remove it",
			pin_path);
}

int settings_map_get(int fd, const struct settings_key *key,
		     struct settings_value *value)
{
	return bpf_map_lookup_elem(fd, key, value);
}

int settings_map_put(int fd, const struct settings_entry *entry)
{
	int ret = bpf_map_update_elem(fd, &entry->key, &entry->value, BPF_ANY);

	return ret == -E2BIG ? -ENOSPC : ret;
}

void settings_map_delete(int fd, const struct settings_key *key)
{
	bpf_map_delete_elem(fd, key);
}

static int compare_entries(const void *a, const void *b)
{
	const struct settings_key *x = a, *y = b;

	if (x->netns_inode != y->netns_inode)
		return x->netns_inode < y->netns_inode ? -1 : 1;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (int)x->index - y->index;
}

/* Nobody else writes while this reads: one daemon, one thread. */
int settings_map_list(int fd, struct settings_entry **entries)
{
	struct settings_entry *list = NULL;
	struct settings_key key, *previous = NULL;
	unsigned int nr = 0, room = 0;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		if (nr == room) {
			struct settings_entry *more;

			room = room ? 2 * room : 64;
			more = realloc(list, room * sizeof(*list));
			if (!more) {
				free(list);
				return -ENOMEM;
			}
			list = more;
		}
		list[nr].key = key;
		if (!bpf_map_lookup_elem(fd, &key, &list[nr].value))
			nr++;
		previous = &key;
	}
	if (nr)
		qsort(list, nr, sizeof(*list), compare_entries);
	*entries = list;
	return nr;
}
