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
ALL_CFLAGS := $(CFLAGS) $(WARNINGS) -std=gnu11 -D_GNU_SOURCE \
	      -Iinclude/uapi -Iinclude -Iuser -Ixdp -I$(BUILD) -I$(BUILD)/xdp

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all modules install modules_install check demo bench style sparse \
	clean help FORCE

all: modules

include xdp/xdp.mk
include user/user.mk
include kmod/module.mk

install:
	$(Q)install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/lib \
		$(DESTDIR)$(PREFIX)/include/linux
	$(Q)install -m 755 $(DAEMON) $(TOOL) $(DESTDIR)$(PREFIX)/sbin/
	$(Q)install -m 644 $(LIBRARY_A) $(DESTDIR)$(PREFIX)/lib/
	$(Q)install -m 755 $(LIBRARY_REAL) $(DESTDIR)$(PREFIX)/lib/
	$(Q)ln -sf $(notdir $(LIBRARY_REAL)) $(DESTDIR)$(PREFIX)/lib/$(LIBRARY_SONAME)
	$(Q)ln -sf $(LIBRARY_SONAME) $(DESTDIR)$(PREFIX)/lib/librubato.so
	$(Q)install -m 644 user/lib/librubato.h $(DESTDIR)$(PREFIX)/include/
	$(Q)install -m 644 include/uapi/linux/rubato.h \
		$(DESTDIR)$(PREFIX)/include/linux/
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/lib/systemd/system
	$(Q)install -m 644 Documentation/man/*.8 \
		$(DESTDIR)$(PREFIX)/share/man/man8/
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(Q)install -m 644 user/cli/rubato.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/rubato
	$(Q)sed 's|/usr/sbin/|$(PREFIX)/sbin/|' user/daemon/rubatod.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/rubatod.service
install: all

check:
	$(Q)scripts/check

demo:
	$(Q)scripts/demo

bench:
	$(Q)selftests/bench/run

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
	@echo '  install          daemon, unit, tool with its completion, library, headers'
	@echo '                   and man pages to $$(DESTDIR)$$(PREFIX)'
	@echo '  modules_install  rubato.ko of one kernel to $$(DESTDIR)/lib/modules'
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
