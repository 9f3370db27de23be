#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Machines with Secure Boot: firmware, shim, GRUB and a locked-down kernel. The
# module that is signed with the machine's own key is refused until that key is
# enrolled in the way that `rubato check` says, word by word, and taken then; others
# are refused for ever. Run without arguments it boots the machines; they run it
# again, with what to look at. In a long run the key and the module are those of
# DKMS; otherwise what make has built, signed as DKMS does it.

cd "$(dirname "$0")" || exit 1
. ../ktap.sh
. ../../scripts/lib/common.sh
. ../../scripts/lib/firmware.sh
OUTPUT=${OUTPUT:-$ROOT/build/selftests/packages}
TOOL=$ROOT/build/bin/rubato
MOK=/var/lib/dkms/mok.pub

# --- in the machine ------------------------------------------------------------

is_locked_down()
{
	modprobe efivarfs &&
		mount -t efivarfs none /sys/firmware/efi/efivars &&
		mount -t securityfs none /sys/kernel/security || return
	mokutil --sb-state
	cat /sys/kernel/security/lockdown
	mokutil --sb-state | grep -qx "SecureBoot enabled" &&
		grep -qF "[integrity]" /sys/kernel/security/lockdown
}

# refuses NAME...: for their signature, and nothing else.
refuses()
{
	local name

	for name; do
		dmesg -C
		if insmod "$files/$name.ko"; then
			echo "$name: was taken"
			return 1
		fi
		dmesg | grep -E "(unsigned module|unavailable key) is rejected" ||
			return
	done
}

# what_to_do: the command that check has for it.
what_to_do()
{
	"$TOOL" -j check | jq -er '
		.[] | select(.level == "warning" and (.what | contains("unsigned"))) |
		.mend' | sed 's/,.*//'
}

# Nobody knows the key yet. Somebody does what he is told.
before()
{
	local command

	is_locked_down && refuses unsigned foreign own || return
	command=$(what_to_do)
	echo "check says: $command"
	mkdir -p "${MOK%/*}" && cp "$files/own.pub" $MOK &&
		printf '%s\n' "$MOK_PASSWORD" "$MOK_PASSWORD" | $command &&
		mokutil --list-new | grep "Subject:"
}

# The module is there, the kernel keeps the tenants, and check has nothing to say.
works()
{
	"$ROOT/build/bin/rubatod" --core 1 &
	for _ in {1..200}; do
		"$TOOL" status >/dev/null 2>&1 && break
		sleep 0.1
	done
	"$TOOL" tenant add box budget 20% &&
		[ -d /sys/kernel/rubato/tenants/box ] &&
		[ "$("$TOOL" -j status | jq -r .authority)" = kernel ] || return
	"$TOOL" -j check
	[ -z "$(what_to_do)" ]
}

after()
{
	is_locked_down && refuses unsigned foreign || return
	insmod "$files/own.ko" && works
}

# --- here ----------------------------------------------------------------------

# key NAME: as DKMS makes its own.
key()
{
	openssl req -new -x509 -nodes -days 36500 -newkey rsa:2048 \
		-subj "/CN=DKMS module signing key" -keyout "$files/$1.key" \
		-outform DER -out "$files/$1.pub" 2>/dev/null
}

# signed NAME: the module, with that key.
signed()
{
	"$dir/headers/scripts/sign-file" sha256 "$files/$1.key" \
		"$files/$1.pub" "$files/unsigned.ko" "$files/$1.ko"
}

make_modules()
{
	local release

	release=$(<"$dir/release")
	rm -rf "$files" && mkdir -p "$files" &&
		cp "$ROOT/build/kmod-$release/rubato.ko" "$files/unsigned.ko" &&
		key foreign && signed foreign || return
	if [ -n "${RUBATO_LONG-}" ] && [ -e "$OUTPUT/mok-$release.pub" ]; then
		cp "$OUTPUT/mok-$release.pub" "$files/own.pub" &&
			cp "$OUTPUT/rubato-$release.ko" "$files/own.ko"
	else
		key own && signed own
	fi
}

# boot WHAT: the machine keeps the variables of its firmware.
boot()
{
	"$ROOT/scripts/vm" --kernel "$kernel" --secure-boot "$files/variables" \
		-- bash "$PWD/secure-boot.sh" "$1" "$files"
}

if [ -n "${1:-}" ]; then
	files=$2
	"$1"
	exit
fi
[ "$(id -u)" = 0 ] || ktap_skip_all "root is wanted"
command -v mokutil >/dev/null && firmware_is_there ||
	ktap_skip_all "no firmware, shim, GRUB or mokutil: run scripts/setup"
ktap_plan 6

# try NAME COMMAND...
try()
{
	if [ -n "$dir" ]; then
		ktap_check "$kernel: $1" "${@:2}"
	else
		ktap_skip "$kernel: $1" "no such kernel: run scripts/setup"
	fi
}

for kernel in 6.12 6.1; do
	dir=$(kernel_dir $kernel)
	files=$OUTPUT/secure-boot-$kernel
	try "modules: unsigned, signed by a stranger, by the machine's own key" \
		make_modules
	try "they are refused; check says how to enrol the key; so it is imported" \
		boot before
	try "enrolled: its module is taken, the others are not, check is content" \
		boot after
done
ktap_finish
