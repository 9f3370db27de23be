# SPDX-License-Identifier: GPL-2.0
#
# What `make install` puts where. A distribution that has other places for
# libraries or units says so: LIBDIR, UNITDIR.

SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd/system

LIBRARY_HEADERS := user/lib/librubato.h user/lib/error.h
MANUALS := $(wildcard Documentation/man/*.[1-9])
GUIDES := README.md $(wildcard Documentation/*.md Documentation/*.example)
MAN_SECTIONS := $(sort $(patsubst .%,%,$(suffix $(MANUALS))))

.PHONY: install install-programs install-library install-documents \
	install-services
install: install-programs install-library install-documents install-services

# install_file MODE,DIRECTORY,FILE...
install_file = $(Q)install -d $(DESTDIR)$(2) && \
	       install -m $(1) $(3) $(DESTDIR)$(2)/
# install_text DIRECTORY,NAME,SOURCE: with the places where things are now.
install_text = $(Q)install -d $(DESTDIR)$(1) && \
	       sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
	       -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
	       -e 's|@VERSION@|$(VERSION)|g' $(3) > $(DESTDIR)$(1)/$(2)

install-programs: programs
	$(call install_file,755,$(SBINDIR),$(DAEMON) $(TOOL) $(HOOK))

# <rubato/librubato.h>, and not librubato.h: there is an error.h beside it.
install-library: programs
	$(call install_file,644,$(LIBDIR),$(LIBRARY_A))
	$(call install_file,644,$(LIBDIR),$(LIBRARY_REAL))
	$(Q)ln -sf $(notdir $(LIBRARY_REAL)) $(DESTDIR)$(LIBDIR)/$(LIBRARY_SONAME)
	$(Q)ln -sf $(LIBRARY_SONAME) $(DESTDIR)$(LIBDIR)/librubato.so
	$(call install_file,644,$(INCLUDEDIR)/rubato,$(LIBRARY_HEADERS))
	$(call install_file,644,$(INCLUDEDIR)/linux,$(wildcard include/uapi/linux/*.h))
	$(call install_text,$(LIBDIR)/pkgconfig,librubato.pc,user/lib/librubato.pc.in)

install-man%:
	$(call install_file,644,$(DATADIR)/man/man$*,$(filter %.$*,$(MANUALS)))

install-documents: $(MAN_SECTIONS:%=install-man%)
	$(call install_file,644,$(DATADIR)/doc/rubato,$(GUIDES))
	$(call install_text,$(DATADIR)/bash-completion/completions,rubato,\
		user/cli/rubato.bash)

install-services:
	$(call install_text,$(UNITDIR),rubatod.service,user/daemon/rubatod.service.in)
	$(call install_text,$(DATADIR)/containers/oci/hooks.d,rubato.json,\
		user/hook/podman.json.in)
