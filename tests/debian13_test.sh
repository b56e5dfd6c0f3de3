#!/bin/bash
# On a fresh Debian 13, whose compiler is two versions newer than Debian 12's, an ordinary user with the packages of the README's
# `apt install` line and no others runs `make check` and `make install`, and builds a program against what is installed.
#
# The root is made once, beside the build, from the machine's own apt mirror.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "a Debian 13 root: needs root"
command -v apt-get >/dev/null || skip "a Debian 13 root is made of Debian packages, and apt is missing"
need mmdebstrap mmdebstrap
# shellcheck disable=SC2016 # apt's variables
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | awk '/\/debian\/?$/ { m = $0 } END { print m }')
[ -n "$mirror" ] || skip "a Debian 13 root is made of Debian packages, and apt knows no Debian mirror"

# shellcheck disable=SC2016 # a back tick is one
packages=$(sed -n 's/.*`apt install \([^`]*\)`.*/\1/p' "$IXY_SOURCE/README.md" | head -n 1)
[ -n "$packages" ] || die "the README has no \`apt install\` line"
root=$(realpath -m "$IXY_BIN/../debian13")
user=somebody home=/home/somebody

# in_root COMMAND: as the user, in a PID namespace: no process stays behind
in_root()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" su -s /bin/bash - "$2" -c "$3"' \
		sh "$root" "$user" "$1" </dev/null
}

if [ "$(cat "$root.version" 2>/dev/null)" != "$packages" ]; then
	rm -rf "$root"
	mmdebstrap --quiet --variant=minbase trixie "$root" "deb $mirror trixie main" >"$work/root.log" 2>&1 ||
		{ rm -rf "$root"; skip "a Debian 13 root: mmdebstrap fails: $(tail -n 1 "$work/root.log")"; }
	# shellcheck disable=SC2086 # word splitting is meant
	DEBIAN_FRONTEND=noninteractive chroot "$root" sh -c 'apt-get -q update && apt-get -q -y install "$@" && useradd -m somebody' sh $packages \
		>"$work/install.log" 2>&1 || die "apt install $packages"
	chroot "$root" apt-get clean
	echo "$packages" >"$root.version"
fi

rm -rf "${root:?}$home"/*
copy_sources "$root$home/ixy"
chroot "$root" chown -R "$user:" "$home"
in_root 'cd ixy && make check' >"$work/check.log" 2>&1 || {
	grep -A 30 -E '\*\*\*(Failed|Timeout|Exception)|error:' "$work/check.log" | head -n 100
	fail "make check fails on Debian 13"
}
if grep 'warning:' "$work/check.log"; then
	fail "its compiler has warnings"
fi
cat >"$root$home/program.c" <<'C'
#include <ixy/device.h>

int main(int argc, char **argv)
{
	struct ixy_device *dev;

	return argc > 1 && ixy_open(&dev, argv[1], NULL) == 0;
}
C
# shellcheck disable=SC2016 # for the user's shell
in_root 'make -C ixy install PREFIX=$HOME/prefix && export PKG_CONFIG_PATH=$HOME/prefix/lib/pkgconfig &&
	cc -Wall -Werror program.c $(pkg-config --cflags --libs ixy) -o program && ./program && prefix/bin/ixy-fwd --version' \
	>"$work/program.log" 2>&1 || fail "a program does not build against what make install has installed"
rm -rf "${root:?}$home"/*
finish
