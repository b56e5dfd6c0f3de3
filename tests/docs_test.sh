#!/bin/bash
# Links and paths in the documents lead to files, and the tests that SECURITY.md names exist.
. "$(dirname "$0")/lib.sh"

cd "$IXY_SOURCE" || exit 1
for document in *.md docs/*.md bench/*.md; do
	while read -r link; do
		[ -e "$(dirname "$document")/$link" ] || fail "$document: no $link"
	done < <(grep -o '](\([^)]*\))' "$document" | sed -e 's/^](//' -e 's/[#)].*//' -e '/:\/\//d' -e '/^$/d' | sort -u)
	# Paths in code spans: `src/ixy/open.c`, not src/NAME.c or src/*.c
	while read -r path; do
		[ -e "$path" ] || fail "$document: no $path"
	done < <(tr '`' '\n' <"$document" | grep -E '^(bench|common|docs|emu|examples|include|regs|scripts|src|tests)/[a-z0-9_./-]*\.[a-z0-9]*$' | sort -u)
done

# Behind the last | of a promise
named=0
while read -r test; do
	named=$((named + 1))
	test_exists "$test" || fail "SECURITY.md: there is no test $test"
done < <(sed -n '/^## Promises/,$s/^|.*| *\(`.*\) |$/\1/p' SECURITY.md | tr '`' '\n' | sed -n '/^[a-z0-9_.]\{1,\}$/p' | sort -u)
[ $named -gt 40 ] || fail "SECURITY.md: only $named tests found"
finish
