#!/bin/bash
# All C files are as clang-format 14, Debian 12's, writes them with .clang-format.
. "$(dirname "$0")/lib.sh"
need clang-format clang-format

# Versions differ in what they make of the same .clang-format.
for format in clang-format-14 clang-format ''; do
	[[ $("$format" --version 2>/dev/null) == *"version 14."* ]] && break
done
if [ -z "$format" ]; then
	advice=
	apt-cache show clang-format-14 >/dev/null 2>&1 && advice=": apt install clang-format-14"
	unset IXY_REQUIRE_ALL # Debian 13 has no version 14
	skip "clang-format is not version 14$advice"
fi

# A source archive has no .git. It may be unpacked inside another repository.
cd "$IXY_SOURCE" || exit 1
c_files()
{
	if [ -e .git ] && command -v git >/dev/null; then
		git -c safe.directory='*' ls-files -z '*.c' '*.h'
	else
		find . -path './build*' -prune -o -name '*.[ch]' -print0
	fi
}
mapfile -d '' -t files < <(c_files)
[ ${#files[@]} -gt 100 ] || die "only ${#files[@]} C files found"
"$format" --dry-run -Werror "${files[@]}" || fail "run: make format"
finish
