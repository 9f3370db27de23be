# SPDX-License-Identifier: GPL-2.0
# The steer program, and the skeleton by which the daemon loads it.

STEER := $(BUILD)/xdp/steer.bpf.o
STEER_SKELETON := $(BUILD)/xdp/steer.skel.h
# clang -target bpf does not look where the distribution has <asm/types.h>.
BPF_CFLAGS := -O2 -g -target bpf $(WARNINGS) -Iinclude/uapi -Iinclude -Ixdp \
	      -I/usr/include/$(shell $(CC) -dumpmachine)

programs: $(STEER) $(STEER_SKELETON)

$(BUILD)/xdp/%.bpf.o: xdp/%.bpf.c
	$(call say,CLANG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(BUILD)/xdp/%.skel.h: $(BUILD)/xdp/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< >$@

-include $(wildcard $(BUILD)/xdp/*.d)
