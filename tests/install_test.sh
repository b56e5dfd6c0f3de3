#!/bin/bash
# What is installed is enough to build a program with, from outside of the source tree; each header stands on its own.
. "$(dirname "$0")/lib.sh"
need cmake cmake
need cc gcc

prefix="$work/the prefix"
cmake --install "$IXY_BIN/.." --prefix "$prefix" >"$work/install.log" 2>&1 || die "cmake --install fails"
for program in ixy-emu ixy-fwd ixy-pktgen ixy-pcap ixy-bind; do
	"$prefix/bin/$program" --version >"$work/version.log" 2>&1 || fail "$program does not run where it is installed"
	compgen -G "$prefix/share/man/man[18]/$program.[18]" >/dev/null || fail "$program has no man page where it is installed"
done

cat >"$work/program.c" <<'C'
#include <ixy/device.h>

int main(int argc, char **argv)
{
	struct ixy_device *dev;

	if (argc > 1 && ixy_open(&dev, argv[1], NULL) == 0)
		ixy_close(dev);
	return 0;
}
C
library=$(dirname "$(find "$prefix" -name 'libixy.*' | head -n 1)")
cc -Wall -Werror -I "$prefix/include" "$work/program.c" -o "$work/program" -L "$library" -lixy -lixy-vfio -pthread \
	>"$work/cc.log" 2>&1 || die "a program does not build against what is installed"
LD_LIBRARY_PATH="$library" "$work/program" || fail "the program does not run"
if command -v pkg-config >/dev/null; then
	flags=$(PKG_CONFIG_PATH="$prefix/share/pkgconfig" pkg-config --define-prefix --cflags --libs ixy) || fail "pkg-config: ixy"
	eval "cc -Wall -Werror '$work/program.c' -o '$work/program' $flags" >"$work/pc.log" 2>&1 ||
		fail "a program does not build with the flags of pkg-config: $flags"
fi

for header in "$prefix"/include/ixy/*.h; do
	echo "#include <ixy/$(basename "$header")>" |
		cc -std=c17 -Wall -Wextra -Werror -I "$prefix/include" -fsyntax-only -x c - >>"$work/headers.log" 2>&1 ||
		fail "$(basename "$header") does not compile alone"
done
finish
