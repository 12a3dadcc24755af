#!/usr/bin/env python3
"""mutants.py BUILD SEEDS [NAME ...]: applies each patch of mutants/PROGRAM/ to a copy of the
sources, builds the program with it, and expects one of SEEDS seeds to fail. A mutant that no longer
applies, does not compile or is not caught is a failure. BUILD is a build directory that has the
programs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests/simulation/mutants"
PROGRAMS = Path("tests/simulation")


def commands(build, name):
    """The commands that build the program: source -> compiling it, and the one that links."""
    lines = subprocess.run(["ninja", "-C", build, "-t", "commands", PROGRAMS / name], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    compiling = {}
    for line in lines:
        source = re.search(r" -c (\S+\.c)$", line)
        if source:
            compiling[Path(source.group(1)).resolve()] = line
    return compiling, lines[-1]


def apply(patch, folder):
    """Copies the files that the patch names into the folder and patches them there."""
    names = re.findall(r"^\+\+\+ b/(\S+)$", patch.read_text(), re.MULTILINE)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    subprocess.run(["patch", "-s", "-p1", "-F0", "-d", folder, "-i", patch], check=True,
                   capture_output=True, text=True)
    return names


def build_mutant(build, patch, folder):
    compiling, linking = commands(build, patch.parent.name)
    objects = []
    for name in apply(patch, folder):
        made = folder / (name.replace("/", "_") + ".o")
        command = compiling[ROOT / name].replace(str(ROOT / name), str(folder / name))
        command = re.sub(r" -MD -MT \S+ -MF \S+", "", command)
        command = re.sub(r" -o \S+", f" -o {shlex.quote(str(made))}", command)
        subprocess.run(command, shell=True, check=True, cwd=build, capture_output=True, text=True)
        objects.append(str(made))
    program = folder / "simulate"
    # In front of the libraries: the linker takes no second definition out of those.
    linking = re.sub(r" -o \S+", f" {' '.join(objects)} -o {shlex.quote(str(program))}", linking,
                     count=1)
    subprocess.run(linking, shell=True, check=True, cwd=build, capture_output=True, text=True)
    return program


def try_mutant(build, patch, seeds):
    """(caught, what to say)."""
    with tempfile.TemporaryDirectory(prefix="sijang-mutant-") as folder:
        try:
            program = build_mutant(build, patch, Path(folder))
        except (subprocess.CalledProcessError, KeyError) as error:
            why = getattr(error, "stdout", "") or getattr(error, "stderr", "") or str(error)
            return False, f"does not apply or compile: {why.strip()[-1500:]}"
        done = subprocess.run([program, "1", str(seeds), "--until-failure"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = re.search(r"^seed .*$", done.stdout, re.MULTILINE)
    if found:
        return True, f"caught by {found.group(0)}"
    return False, f"survives {seeds} seeds"


def try_mutants(build, seeds, names=()):
    """(name, caught, what to say) of each."""
    patches = sorted(path for path in PATCHES.glob("*/*.patch") if not names or path.stem in names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda patch: try_mutant(build, patch, seeds), patches)
        return [(patch.stem, *outcome) for patch, outcome in zip(patches, outcomes)]


def main(build, seeds, *names):
    outcomes = try_mutants(build, int(seeds), names)
    for name, _, line in outcomes:
        print(f"{name}: {line}")
    return 0 if outcomes and all(caught for _, caught, _ in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
