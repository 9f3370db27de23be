# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How a machine with Secure Boot comes to its kernel, for scripts/vm: the firmware,
# which has the keys of a PC, starts shim, that starts GRUB and GRUB the kernel, each
# signed for the one before it as Debian ships them. To be sourced after common.sh.

MOK_PASSWORD=rubato-vm

# firmware_file PATH: of a package that is installed or unpacked into the cache.
firmware_file()
{
	local dir

	for dir in "" "$CACHE/tools"; do
		if [ -e "$dir$1" ]; then
			echo "$dir$1"
			return
		fi
	done
	return 1
}

FIRMWARE_CODE=$(firmware_file /usr/share/OVMF/OVMF_CODE_4M.secboot.fd)
FIRMWARE_VARIABLES=$(firmware_file /usr/share/OVMF/OVMF_VARS_4M.ms.fd)
FIRMWARE_SHIM=$(firmware_file /usr/lib/shim/shimx64.efi.signed)
FIRMWARE_MOK_MANAGER=$(firmware_file /usr/lib/shim/mmx64.efi.signed)
FIRMWARE_GRUB=$(firmware_file /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed)

firmware_is_there()
{
	[ -n "$FIRMWARE_CODE" ] && [ -n "$FIRMWARE_VARIABLES" ] &&
		[ -n "$FIRMWARE_SHIM" ] && [ -n "$FIRMWARE_MOK_MANAGER" ] &&
		[ -n "$FIRMWARE_GRUB" ]
}

# firmware_partition DIR KERNEL INITRD PARAMETERS: what lies on the EFI system
# partition, as links.
firmware_partition()
{
	mkdir -p "$1/EFI/BOOT" "$1/EFI/debian" &&
	ln -s "$FIRMWARE_SHIM" "$1/EFI/BOOT/BOOTX64.EFI" &&
	ln -s "$FIRMWARE_MOK_MANAGER" "$1/EFI/BOOT/mmx64.efi" &&
	ln -s "$FIRMWARE_GRUB" "$1/EFI/BOOT/grubx64.efi" &&
	ln -s "$2" "$1/vmlinuz" &&
	ln -s "$3" "$1/initrd" &&
	printf '%s\n' "linux (\$root)/vmlinuz $4" "initrd (\$root)/initrd" boot \
		>"$1/EFI/debian/grub.cfg"
}

# firmware_arguments DIR VARIABLES: for qemu, in `arguments`. SMM keeps the
# variables from who is not the firmware.
firmware_arguments()
{
	local disk="if=none,id=esp,format=raw,readonly=on"

	arguments+=(-machine "q35,smm=on"
		-global "driver=cfi.pflash01,property=secure,value=on"
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=${FIRMWARE_CODE//,/,,}"
		-drive "if=pflash,unit=1,format=raw,file=${2//,/,,}"
		-drive "$disk,file=fat:${1//,/,,}"
		-device "virtio-blk-pci,drive=esp,bootindex=0")
}

# firmware_types: what somebody does at the machine when, after `mokutil --import`,
# shim asks what to do: what is on the screen (as a pattern), what is typed then.
firmware_types()
{
	local down=$'\e[B' enter=$'\r'

	printf '%s\t%s\n' \
		"Press any key to perform MOK" " " \
		"Enroll MOK" "$down$enter" \
		"View key 0" "$down$enter" \
		"Enroll the key" "$down$enter" \
		"Password:" "$MOK_PASSWORD$enter" \
		"Reboot" "$enter"
}
