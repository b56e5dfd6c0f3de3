#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""layers.py BUILD: the folders are the architecture.

A file may use, by includes and by symbols of its object file, its own folder and those of lower layers. Prints each use of a
layer that is not below, and each circle of files."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))

# From top to bottom; those in one line do not know each other. A file belongs to the longest path that it begins with.
LAYERS = [
    ["src/app", "emu/program"],
    ["src/ixy", "emu/server", "emu/wires"],
    ["src/ixgbe", "src/virtio", "emu/card"],
    ["src/driver"],
    ["src/vfio"],
    ["src/vfio/kernel", "src/vfio/socket", "src/vfio/sysfs"],
    ["src/vfio/host"],
    ["src/vfio/state.c"],
    ["src/vfio/internal.h"],
    ["src/log.c", "src/common.h", "common"],
    ["src/full", "src/small"],  # declarations of what stands above
    ["src/driver/card.h"],
    ["include"],
    ["regs"],
]
# The software card and the libraries that drive it have the registers in common, and nothing else.
APART = {"src": {"common", "include", "regs"}, "emu": {"common", "regs"}, "common": set(), "include": set(), "regs": set()}


def layer_of(path):
    best = ""
    rank = None
    for number, layer in enumerate(LAYERS):
        for member in layer:
            if (path == member or path.startswith(member + "/")) and len(member) > len(best):
                rank, best = number, member
    return rank, best


def may_use(user, used):
    user_rank, user_member = layer_of(user)
    rank, member = layer_of(used)
    tree, other = user.split("/")[0], used.split("/")[0]
    if tree != other and other not in APART[tree]:
        return False
    return member == user_member or (rank is not None and user_rank is not None and rank > user_rank)


def objects(build):
    """Each source file of the libraries and programs, and the object made of it."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        commands = json.load(file)
    found = {}
    for command in commands:
        source = os.path.relpath(os.path.realpath(os.path.join(command["directory"], command["file"])), ROOT)
        output = os.path.join(command["directory"], re.search(r" -o (\S+)", command["command"]).group(1))
        wanted = source.split("/")[0] in APART and "-small" not in output and "/tests/" not in output
        if wanted and os.path.exists(output):
            found[source] = output
    return found


def symbols(path):
    defined, used = set(), set()
    output = subprocess.run(["nm", "-g", "-P", path], check=True, capture_output=True, text=True).stdout
    for line in output.splitlines():
        name, kind = line.split()[:2]
        (used if kind in "Uw" else defined).add(name)
    return defined - {"main"}, used


def calls(table):
    """{user: {used file: symbols}}"""
    defined_in, used_by = {}, {}
    for source, path in table.items():
        defined, used_by[source] = symbols(path)
        for name in defined:
            defined_in[name] = source
    edges = {source: {} for source in table}
    for source, names in used_by.items():
        for name in sorted(names):
            other = defined_in.get(name, source)
            if other != source:
                edges[source].setdefault(other, []).append(name)
    return edges


def files():
    for tree in APART:
        for folder, _, names in os.walk(os.path.join(ROOT, tree)):
            for name in names:
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def includes(path):
    """The project's files that @path includes."""
    places = [os.path.dirname(path), "include", "common", "src/full"]
    with open(os.path.join(ROOT, path)) as file:
        for name in re.findall(r'^#include ["<]([^">]+)[">]', file.read(), re.M):
            for place in places:
                found = os.path.normpath(os.path.join(place, name))
                if os.path.exists(os.path.join(ROOT, found)):
                    yield found
                    break


def circles(edges):
    """Tarjan's strongly connected components with more than one member."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(stack[at:])
            del stack[at:]

    for node in edges:
        if node not in index:
            visit(node)
    return found


def main():
    edges = calls(objects(sys.argv[1]))
    wrong = []
    for user, others in edges.items():
        if layer_of(user)[0] is None:
            wrong.append(f"{user}: is in no layer; see {os.path.relpath(__file__, ROOT)}")
        wrong += [f"{user} uses {', '.join(names)} of {used}, which is not below it"
                  for used, names in others.items() if not may_use(user, used)]
    for user in files():
        wrong += [f"{user} includes {used}, which is not below it" for used in includes(user) if not may_use(user, used)]
    for circle in circles(edges):
        wrong.append("a circle:")
        wrong += [f"  {user} uses {', '.join(names)} of {used}"
                  for user in circle for used, names in edges[user].items() if used in circle]
    print("\n".join(wrong) or f"{len(edges)} files, no use that goes up, no circle")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
