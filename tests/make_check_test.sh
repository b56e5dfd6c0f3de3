#!/bin/bash
# What `make check` says in the end: where the time went, what was skipped, and what to install. It notices what has been
# installed since the tree was configured.
. "$(dirname "$0")/lib.sh"
need cmake cmake
unset IXY_REQUIRE_ALL MAKEFLAGS MAKELEVEL # of a `make test` that runs this

# ---- The last lines ----

mkdir "$work/tests"
cat >"$work/tests/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(tests NONE)
enable_testing()
add_test(NAME quick COMMAND true)
add_test(NAME slow COMMAND sleep 0.5)
foreach(n RANGE 1 12)
	add_test(NAME skipped\${n} COMMAND $IXY_SOURCE/tests/skip "a <needed> thing is missing: apt install one two")
endforeach()
add_test(NAME other COMMAND $IXY_SOURCE/tests/skip "not root")
set_tests_properties(skipped1 skipped2 skipped3 skipped4 skipped5 skipped6 skipped7 skipped8 skipped9 skipped10 skipped11 skipped12
	other PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME last COMMAND $IXY_SOURCE/tests/skip "it is missing: apt install two three")
set_tests_properties(last PROPERTIES SKIP_RETURN_CODE 77)
CMAKE
cmake -S "$work/tests" -B "$work/tests" >"$work/cmake.log" 2>&1 || die "cmake fails"

# says LINE: as a whole, after the summary of ctest
says()
{
	sed '1,/tests passed/d' "$work/said" | grep -qxF -e "$1" || fail "no line: $1"
}
IXY_LEFT_OUT="clang is missing: apt install clang" "$IXY_SOURCE/scripts/run-tests" "$work/tests" >"$work/said" 2>&1 ||
	fail "exit status $? when all is well"
grep -q '^100% tests passed, 0 tests failed out of 16$' "$work/said" || fail "no summary of ctest"
says "14 of 16 tests were SKIPPED:"
says "    12  a <needed> thing is missing: apt install one two"
says "     1  it is missing: apt install two three"
says "     1  not root"
says "not built: clang is missing: apt install clang"
tail -n 1 "$work/said" >"$work/last"
for package in one two three clang; do
	grep -q "^To run them: sudo apt install .*\<$package\>" "$work/last" || fail "$package is not to be installed: $(cat "$work/last")"
done
[ "$(grep -o '\<two\>' "$work/last" | wc -l)" = 1 ] || fail "a package twice: $(cat "$work/last")"
sed '1,/^The slowest/d' "$work/said" | head -n 1 | grep -q ' s  slow$' || fail "the slowest test is not named first"
[ $failures = 0 ] || cat "$work/said"

"$IXY_SOURCE/scripts/run-tests" "$work/tests" -R quick >"$work/said" 2>&1
grep -q -e SKIPPED -e 'apt install' "$work/said" && fail "nothing was skipped, but: $(tail -n 3 "$work/said")"
echo 'add_test(broken "false")' >>"$work/tests/CTestTestfile.cmake"
"$IXY_SOURCE/scripts/run-tests" "$work/tests" -R broken >"$work/said" 2>&1 && fail "exit status 0 when a test fails"

# ---- What has been installed since ----

# The tree is configured where there is no cmocka. Nothing is built or run here: cmake configures only, ctest does nothing.
header=$(echo '#include <cmocka.h>' | cc -include stdarg.h -include stddef.h -include setjmp.h -include stdint.h -E -x c - 2>/dev/null |
	sed -n 's/^# 1 "\(.*cmocka.h\)".*/\1/p' | head -n 1)
[ -n "$header" ] || { [ $failures = 0 ] || finish; skip "cmocka: apt install libcmocka-dev"; }
registered="$work/build/tests/CTestTestfile.cmake"
cmake -S "$IXY_SOURCE" -B "$work/build" -DCMAKE_IGNORE_PATH="$(dirname "$header")" >"$work/cmake.log" 2>&1 || die "cmake fails"
grep -q 'nic_eeprom_test.*tests/skip' "$registered" || die "cmocka is not hidden"
sed -i "s/^\(CMAKE_IGNORE_PATH:[A-Z]*=\).*/\1/" "$work/build/CMakeCache.txt"
mkdir "$work/bin"
cat >"$work/bin/cmake" <<SH
#!/bin/sh
[ "\$1" = --build ] || exec $(command -v cmake) "\$@"
SH
printf '#!/bin/sh\n' >"$work/bin/ctest"
chmod +x "$work/bin"/*
PATH=$work/bin:$PATH make -C "$IXY_SOURCE" check BUILD="$work/build" >"$work/make.log" 2>&1 || die "make check fails"
grep -q 'nic_eeprom_test.*tests/skip' "$registered" && fail "make check does not notice that cmocka has been installed"
finish
