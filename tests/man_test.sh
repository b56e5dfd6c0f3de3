#!/bin/bash
# The man pages list the options that the programs' --help prints, and no others; mandoc finds nothing wrong with them.
. "$(dirname "$0")/lib.sh"

cd "$IXY_SOURCE/docs/man" || exit 1

# A line for each option with its argument ("duration SECONDS"), and for each option of a wire ("rate=").
of_help()
{
	"$IXY_BIN/$1" --help >"$work/help" || fail "$1 --help: exit status $?"
	sed -n 's/^ \{2,6\}\(-., \)\{0,1\}--\([a-z-]*\) \([A-Z]*\) .*/\2 \3/p' "$work/help"
	grep -o '\<[a-z]*=' "$work/help"
}
of_page()
{
	sed -n -e 's/^\.It \(Fl . , \)\{0,1\}Fl -\([a-z-]*\)\( Ar \(.*\)\)\{0,1\}$/\2 \4/p' \
		-e 's/^\.It Cm \([a-z]*=\).*/\1/p' "$@"
}

# What programs share is in ixy.7, for those that refer to it.
for page in ixy-*.[1-8]; do
	program=${page%.*}
	pages=("$page")
	grep -q '^\.Xr ixy 7$' "$page" && pages+=(ixy.7)
	of_help "$program" | sort -u >"$work/$program --help"
	of_page "${pages[@]}" | sort -u >"$work/$page"
	grep -q 'help' "$work/$page" || fail "$page: no options found"
	diff -u "$work/$program --help" "$work/$page" || fail "$page differs from $program --help"
done

[ "$failures" = 0 ] || finish
need mandoc mandoc
mandoc -T lint -W warning ./*.[1-8] || fail "see above"
finish
