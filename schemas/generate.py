#!/usr/bin/env python3
"""Schemas to C, and the only way to release one.

generate.py release                    gives an id to each new or changed schema, if compatible
generate.py check                      all schemas are released and compatible
generate.py records <folder> <output>  <output>.h and <output>.c; the build calls this
generate.py registry <output>          the table of all released schemas; the build calls this
"""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from generator.records import write_records  # noqa: E402
from generator.registry import write_registry  # noqa: E402
from generator.releases import PLATFORM, Tree, check_released, release  # noqa: E402
from generator.schema import SchemaError  # noqa: E402


def run(arguments, tree):
    if arguments.command == "release":
        for made in release(tree):
            print(f"{made.schema_id}: {made.record.full_name}, version {made.version}")
    elif arguments.command == "check":
        for context in [PLATFORM, *tree.contexts()]:
            for event in tree.events(tree.folder(context)):
                check_released(event)
    elif arguments.command == "records":
        write_records(tree, arguments.folder.resolve(), arguments.output)
    else:
        write_registry(tree, arguments.output)


def main(words=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--root", type=Path, default=root, help="the repository, or one like it")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("release")
    commands.add_parser("check")
    records = commands.add_parser("records")
    records.add_argument("folder", type=Path)
    records.add_argument("output", type=Path)
    registry = commands.add_parser("registry")
    registry.add_argument("output", type=Path)
    arguments = parser.parse_args(words)
    try:
        run(arguments, Tree(arguments.root.resolve()))
    except SchemaError as error:
        print(f"schemas: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
