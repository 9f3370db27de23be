// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroups as engines name them: Docker 20.10, containerd 1.6, podman 4.3 and
 * CRI-O, with systemd and cgroupfs as drivers, and kubelet 1.26. Those of
 * Kubernetes and CRI-O are from their documentation and sources.
 */
#include <string.h>

#include "cli/runtime_path.h"
#include "../kselftest.h"

#define ID	"4f5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f506172839"
#define UID	"2f8a6f5e-1c3d-4b7a-9e10-0123456789ab"
#define UID_	"2f8a6f5e_1c3d_4b7a_9e10_0123456789ab"
#define HASH	"9f0e1d2c3b4a59687786950a1b2c3d4e"

static const struct {
	const char *path;
	enum runtime_kind kind;
	const char *id;
} cases[] = {
	/* Docker */
	{ "/system.slice/docker-" ID ".scope", RUNTIME_CONTAINER, ID },
	{ "/docker/" ID, RUNTIME_CONTAINER, ID },
	{ "/mine.slice/docker-" ID ".scope", RUNTIME_CONTAINER, ID },
	{ "/mine/" ID, RUNTIME_CONTAINER, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope",
	  RUNTIME_CONTAINER, ID },
	/* podman */
	{ "/machine.slice/libpod-" ID ".scope", RUNTIME_CONTAINER, ID },
	{ "/machine.slice/libpod-" ID ".scope/container", RUNTIME_NONE, "" },
	{ "/machine.slice/libpod-conmon-" ID ".scope", RUNTIME_NONE, "" },
	{ "/machine.slice/machine-libpod_pod_" ID ".slice", RUNTIME_POD, ID },
	{ "/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope",
	  RUNTIME_CONTAINER, ID },
	{ "/libpod_parent/libpod-" ID, RUNTIME_CONTAINER, ID },
	{ "/libpod_parent/" ID, RUNTIME_POD, ID },
	{ "/libpod_parent/" ID "/libpod-" ID, RUNTIME_CONTAINER, ID },
	{ "/libpod_parent/conmon", RUNTIME_NONE, "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	  RUNTIME_CONTAINER, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_" ID ".slice",
	  RUNTIME_POD, ID },
	/* containerd without Kubernetes */
	{ "/system.slice/nerdctl-" ID ".scope", RUNTIME_CONTAINER, ID },
	{ "/default/" ID, RUNTIME_CONTAINER, ID },
	{ "/default/name", RUNTIME_NONE, "" },
	/* Kubernetes, systemd */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
	  RUNTIME_POD, UID },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice",
	  RUNTIME_POD, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice", RUNTIME_POD, UID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH ".slice",
	  RUNTIME_POD, HASH },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	  RUNTIME_CONTAINER, ID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope",
	  RUNTIME_CONTAINER, ID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope/container",
	  RUNTIME_NONE, "" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope",
	  RUNTIME_NONE, "" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID ".scope",
	  RUNTIME_CONTAINER, ID },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_ ".slice",
	  RUNTIME_POD, UID },
	/* Kubernetes, cgroupfs */
	{ "/kubepods/burstable/pod" UID, RUNTIME_POD, UID },
	{ "/kubepods/pod" UID, RUNTIME_POD, UID },
	{ "/kubepods/besteffort/pod" HASH, RUNTIME_POD, HASH },
	{ "/kubepods/burstable/pod" UID "/" ID, RUNTIME_CONTAINER, ID },
	{ "/kubepods/burstable/pod" UID "/crio-" ID, RUNTIME_CONTAINER, ID },
	{ "/kubelet/kubepods/pod" UID, RUNTIME_POD, UID },
	/* What only looks like it */
	{ "/", RUNTIME_NONE, "" },
	{ "", RUNTIME_NONE, "" },
	{ "/kubepods.slice", RUNTIME_NONE, "" },
	{ "/kubepods.slice/kubepods-burstable.slice", RUNTIME_NONE, "" },
	{ "/kubepods/burstable/podcast", RUNTIME_NONE, "" },
	{ "/kubepods/pod" UID "0", RUNTIME_NONE, "" },
	{ "/elsewhere/pod" UID, RUNTIME_NONE, "" },
	{ "/system.slice/docker-" ID "0.scope", RUNTIME_NONE, "" },
	{ "/system.slice/docker-.scope", RUNTIME_NONE, "" },
	{ "/system.slice/docker.service", RUNTIME_NONE, "" },
	{ "/system.slice/other-" ID ".scope", RUNTIME_NONE, "" },
	{ "/docker/4F5B6C7D8E9FA0B1C2D3E4F5061728394A5B6C7D8E9FA0B1C2D3E4F506172839",
	  RUNTIME_NONE, "" },
};

static const struct {
	const char *path;
	const char *text;
	bool fits;
} names[] = {
	{ "/docker/" ID, ID, true },
	{ "/docker/" ID, "4f5b6c7d8e9f", true },
	{ "/docker/" ID, "4f5b", true },
	{ "/docker/" ID, "4f5", false },
	{ "/docker/" ID, "", false },
	{ "/docker/" ID, "5b6c", false },
	{ "/docker/" ID, ID "0", false },
	{ "/kubepods/pod" UID, UID, true },
	{ "/kubepods/pod" UID, UID_, true },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice", UID, true },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice", "2f8a6f5e-1c3d", true },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice", "2f8a6f5e-1c3e", false },
	{ "/system.slice", "system", false },
};

int main(void)
{
	struct runtime_name name;

	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(cases) + ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		runtime_path_parse(cases[i].path, &name);
		ksft_test_result(name.kind == cases[i].kind &&
				 !strcmp(name.id, cases[i].id), "%s\n",
				 cases[i].path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		runtime_path_parse(names[i].path, &name);
		ksft_test_result(runtime_name_fits(&name, names[i].text) ==
				 names[i].fits, "\"%s\" for %s\n",
				 names[i].text, names[i].path);
	}
	ksft_finished();
}
