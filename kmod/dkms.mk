# SPDX-License-Identifier: GPL-2.0
#
# The module's sources where DKMS looks for them; with no DESTDIR it is built
# and installed by DKMS, too, for the running kernel.

DKMS_DIR := $(DESTDIR)/usr/src/rubato-$(VERSION)
DKMS_SOURCES := $(shell find kmod include -name '*.[chS]' -o -name Kbuild)

.PHONY: dkms-install
dkms-install:
	$(Q)$(foreach dir,$(sort $(dir $(DKMS_SOURCES))),\
		install -d $(DKMS_DIR)/$(dir) && \
		install -m 644 $(filter $(dir)%,$(foreach file,$(DKMS_SOURCES),\
			$(if $(filter $(dir),$(dir $(file))),$(file)))) \
			$(DKMS_DIR)/$(dir) &&) :
	$(Q)sed 's/#MODULE_VERSION#/$(VERSION)/' kmod/dkms.conf > $(DKMS_DIR)/dkms.conf
	$(Q)install -d $(DESTDIR)/usr/lib/modules-load.d
	$(Q)install -m 644 kmod/modules-load.conf \
		$(DESTDIR)/usr/lib/modules-load.d/rubato.conf
ifeq ($(DESTDIR),)
	$(Q)dkms install --force rubato/$(VERSION)
endif
