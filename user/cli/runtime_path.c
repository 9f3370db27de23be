// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/runtime_path.h"

#define HEX_ID_LENGTH	64
#define UID_LENGTH	36	/* 8-4-4-4-12 hexadecimal digits */
#define STATIC_LENGTH	32	/* of a static pod: a hash, without - */


struct text {
	const char *start;
	size_t length;
};

static bool is_hex(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!isdigit(text.start[i]) &&
		    (text.start[i] < 'a' || text.start[i] > 'f'))
			return false;
	return text.length;
}

static bool is_hex_id(struct text text)
{
	return text.length == HEX_ID_LENGTH && is_hex(text);
}

/* With - between the parts, or with _ where - means "is below" to systemd. */
static bool is_uid(struct text text)
{
	if (text.length == STATIC_LENGTH)
		return is_hex(text);
	if (text.length != UID_LENGTH)
		return false;
	for (size_t i = 0; i < UID_LENGTH; i++) {
		bool is_gap = i == 8 || i == 13 || i == 18 || i == 23;
		struct text one = { text.start + i, 1 };

		if (is_gap ? !strchr("-_", text.start[i]) : !is_hex(one))
			return false;
	}
	return true;
}

static bool is_same(struct text text, const char *other)
{
	return text.length == strlen(other) &&
	       !strncmp(text.start, other, text.length);
}

static bool take_prefix(struct text *text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (text->length <= length || strncmp(text->start, prefix, length))
		return false;
	text->start += length;
	text->length -= length;
	return true;
}

static bool take_suffix(struct text *text, const char *suffix)
{
	size_t length = strlen(suffix);

	if (text->length <= length ||
	    strncmp(text->start + text->length - length, suffix, length))
		return false;
	text->length -= length;
	return true;
}

static void set(struct runtime_name *name, enum runtime_kind kind,
		struct text id)
{
	name->kind = kind;
	snprintf(name->id, sizeof(name->id), "%.*s", (int)id.length, id.start);
	for (char *c = name->id; *c; c++)
		if (*c == '_')
			*c = '-';
}

static struct text last_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *start = slash ? slash + 1 : path;

	return (struct text){ start, strlen(start) };
}

/*
 * ENGINE-ID.scope with systemd, under cgroupfs ENGINE-ID or ID alone; conmon, which
 * watches over a container, has a scope of its own, ENGINE-conmon-ID, and is none.
 */
static bool parse_container(struct text last, struct runtime_name *name)
{
	static const char *const engines[] = {
		"docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-",
	};

	take_suffix(&last, ".scope");
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (take_prefix(&last, engines[i]))
			break;
	if (!is_hex_id(last))
		return false;
	set(name, RUNTIME_CONTAINER, last);
	return true;
}

/*
 * [kubelet-]kubepods[-burstable|-besteffort]-podUID.slice with systemd, podUID
 * somewhere below kubepods with cgroupfs.
 */
static bool parse_kubernetes_pod(const char *path, struct text last,
				 struct runtime_name *name)
{
	struct text uid = last;

	if (!strstr(path, "kubepods"))
		return false;
	if (take_suffix(&uid, ".slice")) {
		const char *pod = strstr(uid.start, "-pod");

		if (!pod)
			return false;
		uid.length -= (size_t)(pod + 1 - uid.start);
		uid.start = pod + 1;
	}
	if (!take_prefix(&uid, "pod") || !is_uid(uid))
		return false;
	set(name, RUNTIME_POD, uid);
	return true;
}

static bool parse_podman_pod(const char *path, struct text last,
			     struct runtime_name *name)
{
	struct text above = { path, (size_t)(last.start - path) };
	struct text id = last;
	bool is_pod;

	if (take_suffix(&id, ".slice"))
		is_pod = take_prefix(&id, "machine-libpod_pod_") ||
			 take_prefix(&id, "user-libpod_pod_");
	else
		is_pod = take_suffix(&above, "/libpod_parent/") ||
			 is_same(above, "/libpod_parent/");
	if (!is_pod || !is_hex_id(id))
		return false;
	set(name, RUNTIME_POD, id);
	return true;
}

void runtime_path_parse(const char *path, struct runtime_name *name)
{
	struct text last = last_of(path);

	*name = (struct runtime_name){ .kind = RUNTIME_NONE };
	if (!parse_podman_pod(path, last, name) &&
	    !parse_kubernetes_pod(path, last, name))
		parse_container(last, name);
}

bool runtime_name_fits(const struct runtime_name *name, const char *text)
{
	size_t length = strlen(text);

	if (name->kind == RUNTIME_NONE || length < RUNTIME_SHORTEST ||
	    length > strlen(name->id))
		return false;
	for (size_t i = 0; i < length; i++)
		if (name->id[i] != (text[i] == '_' ? '-' : text[i]))
			return false;
	return true;
}
