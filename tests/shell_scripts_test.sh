#!/bin/bash
# The project's shell scripts, seen by shellcheck: not a word.
. "$(dirname "$0")/lib.sh"
need shellcheck shellcheck

cd "$IXY_SOURCE" || exit 1
mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh' -r scripts tests .ci lab bench 2>/dev/null)
shellcheck -x -P SCRIPTDIR "${scripts[@]}" tests/lib.sh || fail "see above"
finish
