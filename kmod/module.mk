# SPDX-License-Identifier: GPL-2.0
#
# rubato.ko, by kbuild, for one kernel tree or for all that are found. kbuild
# writes beside the sources, so it is given a directory of links to them:
# build/kmod-RELEASE.

ifneq ($(KERNELDIR),)
  KERNELDIRS := $(KERNELDIR)
else ifneq ($(KERNELRELEASE),)
  KERNELDIRS := /lib/modules/$(KERNELRELEASE)/build
else
  KERNELDIRS := $(wildcard /lib/modules/$(shell uname -r)/build \
		$(CACHE)/kernels/6.12/headers $(CACHE)/kernels/6.1/headers)
endif

# What modules and uname call it; Debian's kernel.release says something else.
release_of = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"$$/\1/p' \
	     $(1)/include/generated/utsrelease.h 2>/dev/null)
KBUILD_SOURCES := $(shell find kmod -name '*.[chS]' -o -name Kbuild)
# MODULE_FLAGS,KERNELDIR
MODULE_FLAGS = RUBATO_TOP=$(CURDIR) V=$(V) \
	       $(if $(filter 1,$(WERROR)),KCFLAGS=-Werror) \
	       $(if $(wildcard $(1)/vmlinux),,CONFIG_DEBUG_INFO_BTF_MODULES=)

# Debian's 6.1 headers have no vmlinux for kbuild to make BTF from. It is
# made afterwards, from the image's BTF, by the resolve_btfids of 6.12: 6.1 has
# none.
BTF_BASE = $(wildcard $(CACHE)/kernels/$(call release_of,$(1))/vmlinux.btf)
KBUILD_TOOLS = $(CACHE)/kernels/6.12/usr/lib/linux-kbuild-*/tools
RESOLVE_BTFIDS = $(firstword $(wildcard $(KBUILD_TOOLS)/bpf/resolve_btfids/resolve_btfids))

# make_btf KERNELDIR,MODULE: only where kbuild could not and we can.
define make_btf
$(if $(wildcard $(1)/vmlinux),,$(if $(and $(call BTF_BASE,$(1)),$(RESOLVE_BTFIDS)),
	@if [ ! -e $(2).btf ] || [ $(2) -nt $(2).btf ]; then \
		printf '  %-7s %s\n' BTF '$(2)'; \
		pahole -J --btf_gen_floats -j --lang_exclude=rust \
			--btf_base $(call BTF_BASE,$(1)) $(2) && \
		$(RESOLVE_BTFIDS) -b $(call BTF_BASE,$(1)) $(2) && \
		touch $(2).btf; \
	fi))
endef

# module_rules KERNELDIR,RELEASE
define module_rules
MODULES += $(BUILD)/kmod-$(2)/rubato.ko

.PHONY: links-$(2)
links-$(2):
	$$(Q)mkdir -p $$(addprefix $(BUILD)/kmod-$(2)/,$$(sort $$(dir $$(KBUILD_SOURCES:kmod/%=%))))
	$$(Q)find $(BUILD)/kmod-$(2) -xtype l -delete
	$$(Q)$$(foreach file,$$(KBUILD_SOURCES:kmod/%=%),ln -sfn \
		$$(CURDIR)/kmod/$$(file) $(BUILD)/kmod-$(2)/$$(file);)

$(BUILD)/kmod-$(2)/rubato.ko: links-$(2) FORCE
	$$(Q)+$$(MAKE) -C $(1) M=$$(CURDIR)/$(BUILD)/kmod-$(2) $(call MODULE_FLAGS,$(1)) modules
	$$(call make_btf,$(1),$$@)

.PHONY: sparse-$(2)
sparse-$(2): $(BUILD)/kmod-$(2)/rubato.ko
	$$(Q)+$$(MAKE) -C $(1) M=$$(CURDIR)/$(BUILD)/kmod-$(2) $(call MODULE_FLAGS,$(1)) C=2 modules
sparse: sparse-$(2)
endef

MODULES :=
$(foreach dir,$(KERNELDIRS),$(if $(call release_of,$(dir)),\
	$(eval $(call module_rules,$(dir),$(call release_of,$(dir))))))

modules: $(MODULES)
ifeq ($(MODULES),)
	@echo "No kernel headers in $(or $(KERNELDIRS),/lib/modules/$(shell uname -r)/build or $(CACHE)/kernels): no module is built."
	@echo "Install linux-headers-$(shell uname -r), or run scripts/setup, which fetches those of 6.12 and 6.1."
	@$(if $(KERNELDIR)$(KERNELRELEASE),exit 1,:)
endif

modules_install: modules
ifneq ($(MODULES),)
	$(Q)+$(MAKE) -C $(firstword $(KERNELDIRS)) \
		M=$(CURDIR)/$(patsubst %/,%,$(dir $(firstword $(MODULES)))) \
		INSTALL_MOD_PATH=$(DESTDIR) modules_install
endif
