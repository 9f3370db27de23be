# SPDX-License-Identifier: GPL-2.0
# What runs in user space: librubato, the daemon's core, rubatod, rubato and the
# hook for container runtimes.

LIBRARY_SONAME := librubato.so.1
LIBRARY_REAL := $(BUILD)/lib/$(LIBRARY_SONAME).$(VERSION)
LIBRARY_A := $(BUILD)/lib/librubato.a
LIBRARY_SO := $(BUILD)/lib/librubato.so
CORE := $(BUILD)/core.a
STAGE := $(BUILD)/stage.a
DAEMON := $(BUILD)/bin/rubatod
TOOL := $(BUILD)/bin/rubato
HOOK := $(BUILD)/bin/rubato-oci-hook

# objects DIRECTORY...: what is built of the sources in these.
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(addsuffix /*.c,$(1))))
DAEMON_DIRS := user/daemon $(patsubst %/,%,$(wildcard user/daemon/*/))

CORE_OBJECTS := $(call objects,user/core)
STAGE_OBJECTS := $(call objects,user/stage)
LIBRARY_OBJECTS := $(call objects,user/lib)
DAEMON_OBJECTS := $(call objects,$(DAEMON_DIRS))
# The tool reads configuration files with the daemon's own reader.
TOOL_OBJECTS := $(call objects,user/cli)
TOOL_SHARED := $(addprefix $(BUILD)/obj/user/daemon/,control/config.o \
		 control/port_request.o stage/stage_json.o stage/tunnel_json.o \
		 stage/key_file.o)
HOOK_OBJECTS := $(call objects,user/hook)
USER_OBJECTS := $(CORE_OBJECTS) $(STAGE_OBJECTS) $(LIBRARY_OBJECTS) \
		$(DAEMON_OBJECTS) $(TOOL_OBJECTS) $(HOOK_OBJECTS)

USER_PACKAGES := libnl-3.0 libnl-genl-3.0 libnl-route-3.0 json-c libsystemd
USER_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(USER_PACKAGES))
LIBRARY_LIBS = $(shell $(PKG_CONFIG) --libs libnl-3.0 libnl-genl-3.0 json-c)
TOOL_LIBS = $(LIBRARY_LIBS) -lsodium $(shell $(PKG_CONFIG) --libs ncursesw)
DAEMON_LIBS = -lxdp -lbpf -lelf -lz -lsodium $(shell $(PKG_CONFIG) --libs $(USER_PACKAGES))

programs: $(LIBRARY_A) $(LIBRARY_SO) $(if $(CORE_OBJECTS),$(CORE)) \
	$(if $(DAEMON_OBJECTS),$(DAEMON)) $(if $(TOOL_OBJECTS),$(TOOL)) \
	$(HOOK)

$(USER_OBJECTS): ALL_CFLAGS += $(USER_CFLAGS)
$(LIBRARY_OBJECTS): ALL_CFLAGS += -fPIC -fvisibility=default
$(DAEMON_OBJECTS): ALL_CFLAGS += -pthread -Iuser/daemon
$(DAEMON_OBJECTS): | $(STEER_SKELETON)

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MD -MP -c -o $@ $<

# Archives are made anew: an object whose source is gone must not stay in.
$(LIBRARY_A): $(LIBRARY_OBJECTS)
$(CORE): $(CORE_OBJECTS)
$(STAGE): $(STAGE_OBJECTS)
$(LIBRARY_A) $(CORE) $(STAGE):
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIBRARY_REAL): $(LIBRARY_OBJECTS) user/lib/librubato.map
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -shared $(LDFLAGS) -Wl,-soname,$(LIBRARY_SONAME) -Wl,-z,defs \
		-Wl,--version-script,user/lib/librubato.map -o $@ \
		$(LIBRARY_OBJECTS) $(LIBRARY_LIBS)

$(LIBRARY_SO): $(LIBRARY_REAL)
	$(Q)ln -sf $(notdir $<) $(@D)/$(LIBRARY_SONAME)
	$(Q)ln -sf $(LIBRARY_SONAME) $@

$(DAEMON): $(DAEMON_OBJECTS) $(CORE) $(STAGE) $(LIBRARY_A)
$(DAEMON): LIBS = $(DAEMON_LIBS)
$(TOOL): $(TOOL_OBJECTS) $(TOOL_SHARED) $(STAGE) $(LIBRARY_A)
$(TOOL): LIBS = $(TOOL_LIBS)
$(HOOK): $(HOOK_OBJECTS) $(LIBRARY_A)
$(HOOK): LIBS = $(LIBRARY_LIBS)
$(DAEMON) $(TOOL) $(HOOK):
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

-include $(USER_OBJECTS:.o=.d)
