#!/bin/bash
# The folders are the architecture: no file uses one of a layer above, no files use each other in a circle.
. "$(dirname "$0")/lib.sh"
need python3 python3

python3 "$IXY_SOURCE/tests/layers.py" "$(dirname "$IXY_BIN")" || fail "the arrows must point one way"
finish
