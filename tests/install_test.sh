#!/bin/bash
# What is installed is enough to build programs with, in C and in C++, from outside of the source tree; each header stands on its
# own; and the libraries export what the headers declare, no more and no less.
. "$(dirname "$0")/lib.sh"
need cmake cmake
need cc gcc
need nm binutils

prefix="$work/the prefix"
cmake --install "$IXY_BIN/.." --prefix "$prefix" >"$work/install.log" 2>&1 || die "cmake --install fails"
for program in ixy-emu ixy-fwd ixy-pktgen ixy-pcap ixy-bind; do
	"$prefix/bin/$program" --version >"$work/version.log" 2>&1 || fail "$program does not run where it is installed"
	compgen -G "$prefix/share/man/man[18]/$program.[18]" >/dev/null || fail "$program has no man page where it is installed"
done
library=$(dirname "$(find "$prefix" -name 'libixy.*' | head -n 1)")

# ---- Symbols ----

# declared FILE...: names of functions and variables marked with IXY_API
declared()
{
	grep -hvE '^(#| \*|/\*)' "$@" | tr '\n' ' ' | grep -oE 'IXY_API [^;]*;' |
		sed -E -e 's/__attribute__\(\([^)]*\)*//' -e 's/^IXY_API [^[(]*[ *]([a-z0-9_]+)[[(].*/\1/' | sort
}
# exported OPTION...: global symbols of the libraries, as nm lists them
exported()
{
	nm "$@" | awk '$2 ~ /^[A-Z]$/ { sub(/@.*/, "", $3); print $3 }' | sort
}
declared "$prefix"/include/ixy/*.h >"$work/declared"
[ "$(wc -l <"$work/declared")" -gt 40 ] || fail "the headers declare $(wc -l <"$work/declared") symbols: this test has not found them"
if [ -e "$library/libixy.so" ]; then
	exported -D --defined-only "$library/libixy.so" "$library/libixy-vfio.so"
else
	exported -g --defined-only "$library/libixy.a" "$library/libixy-vfio.a"
fi | grep -vE '^(__odr_asan|__asan_|asan\.)' >"$work/exported"
diff "$work/declared" "$work/exported" >"$work/symbols.log" ||
	fail "what the headers declare (<) is not what the libraries export (>): $(tr '\n' ' ' <"$work/symbols.log")"

# ---- Programs ----

cat >"$work/program.c" <<'C'
#include <ixy/device.h>

/* Names that the libraries use inside. */
int peer_connect(void);
int peer_connect(void)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct ixy_device *dev;
	struct pkt_buf *buf;

	if (argc > 1 && ixy_open(&dev, argv[1], NULL) == 0) {
		if (ixy_rx_batch(dev, 0, &buf, 1) == 1)
			pkt_buf_free(buf);
		ixy_close(dev);
	}
	return peer_connect();
}
C
cp "$work/program.c" "$work/program.cpp"
sanitize=
[ -z "${IXY_SANITIZE:-}" ] || sanitize=-fsanitize=$IXY_SANITIZE
strict="-Wall -Wextra -Wpedantic -Werror $sanitize"
compilers="cc:c:c11"
! command -v c++ >/dev/null || compilers="$compilers c++:cpp:c++17"
flags=
if command -v pkg-config >/dev/null; then
	flags=$(PKG_CONFIG_PATH="$library/pkgconfig" pkg-config --define-prefix --cflags --libs ixy) || fail "pkg-config: ixy"
fi
for entry in $compilers; do
	IFS=: read -r compiler suffix standard <<<"$entry"
	# shellcheck disable=SC2086 # word splitting is meant
	"$compiler" -std="$standard" $strict -I "$prefix/include" "$work/program.$suffix" -o "$work/program" -L "$library" -lixy -lixy-vfio \
		-pthread >"$work/cc.log" 2>&1 || die "a program does not build against what is installed: $standard"
	LD_LIBRARY_PATH="$library" "$work/program" || fail "the program does not run: $standard"
	eval "$compiler -std=$standard $strict '$work/program.$suffix' -o '$work/program' ${flags:-"-I '$prefix/include' -L '$library' -lixy -lixy-vfio"}" \
		>"$work/pc.log" 2>&1 || fail "a program does not build with the flags of pkg-config: $flags"
	for header in "$prefix"/include/ixy/*.h; do
		printf '#include <ixy/%s>\nextern int not_empty;\n' "$(basename "$header")" >"$work/header.$suffix"
		"$compiler" -std="$standard" -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -fsyntax-only "$work/header.$suffix" \
			>>"$work/headers.log" 2>&1 || fail "$(basename "$header") does not compile alone: $standard"
	done
done

# ---- find_package() ----

mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(stranger LANGUAGES C)
find_package(ixy 0.1 REQUIRED)
add_executable(program ../program.c)
target_link_libraries(program PRIVATE ixy::ixy)
CMAKE
{
	cmake -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$sanitize" &&
		cmake --build "$work/project/build" && "$work/project/build/program"
} >"$work/find_package.log" 2>&1 || fail "find_package(ixy) does not do for a program"
finish
