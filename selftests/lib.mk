# SPDX-License-Identifier: GPL-2.0
#
# Included at the end of each part's Makefile, as the kernel's selftests do:
#
#	TEST_PROGS        programs that are run as they are (scripts)
#	TEST_GEN_PROGS    programs that are built of NAME.c and run
#	TEST_GEN_FILES    programs that are built and only used
#	TEST_FILES        what the tests need beside themselves
#	TEST_LONG         those of the programs that are run with RUBATO_LONG=1 only
#	TEST_PLACE        native (default), vm (needs the module) or both; a single
#	                  test's place is TEST_PLACE_NAME
#	CFLAGS, LDLIBS    added to
#
# A program with more sources names them: $(OUTPUT)/NAME: more.c other.a
# A file `settings` beside the Makefile may say timeout=SECONDS (300).
# Programs are run in their source directory, with OUTPUT and RUBATO_BUILD in
# their environment, and print KTAP; exit status 4: skipped.

.DEFAULT_GOAL := all
TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
BUILD := $(TOP)/build
PART := $(notdir $(CURDIR))
OUTPUT := $(BUILD)/selftests/$(PART)
TEST_PLACE ?= native

CC := gcc
Q := $(if $(filter 1,$(V)),,@)
TEST_CFLAGS = -O2 -g -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror) \
	      -std=gnu11 -D_GNU_SOURCE -I. -I$(OUTPUT) -I$(TOP)/selftests \
	      -I$(TOP)/include/uapi -I$(TOP)/include -I$(TOP)/user \
	      -I$(TOP)/xdp -I$(BUILD) -I$(BUILD)/xdp

.PHONY: all list clean
.DELETE_ON_ERROR:

GENERATED := $(addprefix $(OUTPUT)/,$(TEST_GEN_PROGS) $(TEST_GEN_FILES))

all: $(GENERATED)

# First what it depends on: with -MD, the last of several sources would win.
$(GENERATED): $(OUTPUT)/%: %.c
	$(if $(Q),@printf '  %-7s %s\n' CC $(@:$(TOP)/%=%))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) -MM -MP -MT $@ $(filter %.c,$^) > $@.d
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) $(LDFLAGS) -pthread -o $@ \
		$(filter %.c %.o %.a,$^) $(LDLIBS)

timely = $(if $(filter 1,$(RUBATO_LONG)),$(1),$(filter-out $(TEST_LONG),$(1)))

# "PLACE PROGRAM" for each test, for selftests/run.
list:
	@$(foreach name,$(call timely,$(TEST_PROGS)),echo \
		$(or $(TEST_PLACE_$(name)),$(TEST_PLACE)) ./$(name);)
	@$(foreach name,$(call timely,$(TEST_GEN_PROGS)),echo \
		$(or $(TEST_PLACE_$(name)),$(TEST_PLACE)) $(OUTPUT)/$(name);)

clean:
	$(Q)rm -rf $(OUTPUT)

-include $(wildcard $(OUTPUT)/*.d)
