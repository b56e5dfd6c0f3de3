#!/bin/bash
# Each command in README.md is run as it stands there, as an ordinary user, in a folder that looks like a project after `make`;
# readme_commands.py says which are not, and why.
. "$(dirname "$0")/lib.sh"
need python3 python3

mkdir -p "$work/project/build"
cp -r "$IXY_BIN" "$work/project/build/bin"
chmod 755 "$work"
as=()
if [ "$(id -u)" = 0 ]; then
	need setpriv util-linux
	chown -R 65534:65534 "$work"
	as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
unset XDG_RUNTIME_DIR
IXY_PATIENCE=$((120 * IXY_SLOWDOWN)) python3 "$IXY_SOURCE/tests/readme_commands.py" "$IXY_SOURCE/README.md" "$work" "${as[@]}"
case $? in
0) finish ;;
77) skip "$(cat "$work/lacking")" ;;
*) die "see above" ;;
esac
