# SPDX-License-Identifier: GPL-2.0
#
# Rubato. `make help` lists the targets. All output goes to build/.

VERSION := 0.1.0
BUILD := build
PREFIX ?= /usr/local
DESTDIR ?=
CACHE := $(or $(RUBATO_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rubato)

CC := gcc
AR := ar
CLANG := clang
# Where a user's PATH has no sbin.
BPFTOOL := $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG := pkg-config

MAKEFLAGS += --no-print-directory
ifeq ($(V),1)
  Q :=
  say = @:
else
  Q := @
  say = @printf '  %-7s %s\n' "$(1)" "$(2)"
endif

WARNINGS := -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror)
CFLAGS ?= -O2 -g
ALL_CFLAGS := $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -std=gnu11 -D_GNU_SOURCE \
	      -Iinclude/uapi -Iinclude -Iuser -Ixdp -I$(BUILD) -I$(BUILD)/xdp

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all programs modules modules_install check demo bench deb style \
	sparse clean help FORCE

all: programs modules

include xdp/xdp.mk
include user/user.mk
include kmod/module.mk
include user/install.mk
include kmod/dkms.mk

check:
	$(Q)scripts/check

demo:
	$(Q)scripts/demo

bench:
	$(Q)selftests/bench/run

# Out of a copy: dpkg-buildpackage writes beside and into its tree.
deb:
	$(Q)rm -rf $(BUILD)/deb
	$(Q)mkdir -p $(BUILD)/deb/rubato-$(VERSION)
	$(Q)tar -c --exclude=./$(BUILD) --exclude=./.git . | \
		tar -x -C $(BUILD)/deb/rubato-$(VERSION)
	$(Q)cd $(BUILD)/deb/rubato-$(VERSION) && \
		env -u MAKEFLAGS dpkg-buildpackage -b -us -uc

style:
	$(Q)scripts/style

clean:
	$(call say,CLEAN,$(BUILD))
	$(Q)rm -rf $(BUILD)

help:
	@echo 'Build:'
	@echo '  all              everything below build/ (default)'
	@echo '  modules          rubato.ko for every kernel whose headers are found: the'
	@echo "                   running kernel's and those that scripts/setup fetched"
	@echo '  programs         the same without rubato.ko'
	@echo '  install          daemon, unit, tool with its completion, library, headers'
	@echo '                   and documents to $$(DESTDIR)$$(PREFIX)'
	@echo '  modules_install  rubato.ko of one kernel to $$(DESTDIR)/lib/modules'
	@echo '  dkms-install     sources of rubato.ko for DKMS, to $$(DESTDIR)/usr/src'
	@echo '  deb              Debian packages, in build/deb'
	@echo '  clean            remove build/'
	@echo 'Test:'
	@echo '  check            scripts/check: all tests, here and in virtual machines'
	@echo '  demo             scripts/demo: two tenants, one datapath core'
	@echo '  bench            all experiments of selftests/bench: half an hour'
	@echo '  style            licence lines, line lengths, shell scripts'
	@echo '  sparse           sparse on the module'
	@echo 'Variables:'
	@echo '  V=1              show the commands'
	@echo '  WERROR=1         warnings are errors'
	@echo '  KERNELDIR=DIR    build the module for the kernel tree DIR only'
	@echo '  KERNELRELEASE=R  the same, for /lib/modules/R/build'
	@echo '  DESTDIR, PREFIX  where to install (PREFIX: $(PREFIX))'
