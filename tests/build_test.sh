#!/bin/bash
# The ways in which others build this: by make into a folder of their own, as part of their project, from sources that cannot be
# written to, as shared libraries, against musl; in folders whose names have spaces. Machines that it is not for are refused.
. "$(dirname "$0")/lib.sh"
need cmake cmake
need cc gcc
need make make

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

# The sources, in a folder that can only be read; as root that takes a mount.
sources="$work/a project/the sources"
copy_sources "$sources"
chmod -R a-w "$sources"
find "$sources" | sort >"$work/before"

# ---- make BUILD=, an absolute folder of libraries, make install ----

build="$work/the build" prefix="$work/a prefix" library="$work/libs of all"
quick=(-DCMAKE_BUILD_TYPE=Debug -DIXY_TESTS=OFF)
{
	make -C "$sources" configure BUILD="$build" &&
		cmake "${quick[@]}" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR="$library" "$build" &&
		make -C "$sources" install BUILD="$build"
} >"$work/make.log" 2>&1 || fail "make install BUILD=... fails"
for file in "$prefix"/bin/ixy-fwd "$prefix"/include/ixy/device.h "$library"/libixy.a "$library"/cmake/ixy/ixy-config.cmake; do
	[ -e "$file" ] || fail "make install has not installed ${file#"$work"/}"
done
if command -v pkg-config >/dev/null; then
	flags=$(PKG_CONFIG_PATH="$library/pkgconfig" pkg-config --cflags --libs ixy) || fail "pkg-config: ixy"
	eval "cc '$work/program.c' -o '$work/program' $flags && '$work/program'" >"$work/pc.log" 2>&1 ||
		fail "a program does not build with the flags of pkg-config: $flags"
fi

# ---- add_subdirectory(), shared libraries ----

cat >"$work/a project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(stranger LANGUAGES C)
add_subdirectory("the sources" ixy)
add_executable(loc ../program.c) # has a name that a target of ours has
target_link_libraries(loc PRIVATE ixy::ixy)
CMAKE
build="$work/another build"
{
	cmake -S "$work/a project" -B "$build" "${quick[@]}" -DBUILD_SHARED_LIBS=ON -DCMAKE_INSTALL_PREFIX="$work/shared" &&
		cmake --build "$build" -j 2 && "$build/loc" && cmake --install "$build"
} >"$work/project.log" 2>&1 || fail "add_subdirectory() does not do for a program with shared libraries"
for name in ixy ixy-vfio; do
	compgen -G "$work/shared/lib*/lib$name.so.[0-9]*.[0-9]*.[0-9]*" >/dev/null || compgen -G "$work/shared/lib/*/lib$name.so.*.*.*" >/dev/null ||
		fail "lib$name.so has no version"
done
"$work/shared/bin/ixy-fwd" --version >"$work/version.log" 2>&1 || fail "ixy-fwd does not find the shared libraries that it is installed with"

find "$sources" | sort | diff "$work/before" - >"$work/sources.log" || fail "a build has written to its sources"

# ---- Other machines ----

# refused COMPILER FLAGS: in one line, when cmake configures
refused()
{
	cmake -S "$sources" -B "$work/refused" -DCMAKE_C_COMPILER="$1" -DCMAKE_C_FLAGS="$2" -DCMAKE_SYSTEM_NAME=Linux \
		-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY >"$work/refused.log" 2>&1 && fail "$1 $2 is not refused"
	grep -q "64-bit little-endian" "$work/refused.log" || fail "$1 $2 is not refused in words"
	rm -rf "$work/refused"
}
[ "$(uname -m)" != x86_64 ] || refused cc -m32
! command -v aarch64-linux-gnu-gcc >/dev/null || refused aarch64-linux-gnu-gcc -mbig-endian

# ---- musl ----

if command -v musl-gcc >/dev/null; then
	# Debian's has no headers of the kernel: those of the machine, behind its own. The libraries are for musl, the programs are not.
	kernel="-idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch)"
	{
		cmake -S "$sources" -B "$work/musl" "${quick[@]}" -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_C_FLAGS="$kernel" -DIXY_WERROR=ON &&
			cmake --build "$work/musl" -j 2 --target ixy &&
			eval "musl-gcc -static $kernel -I '$sources/include' '$work/program.c' -o '$work/program' -L '$work/musl/lib' -lixy -lixy-vfio" &&
			"$work/program"
	} >"$work/musl.log" 2>&1 || fail "the libraries do not build against musl"
else
	[ "$failures" = 0 ] || finish
	skip "all but musl is right; musl-gcc is missing: apt install musl-tools"
fi
finish
