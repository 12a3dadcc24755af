"""The tools of others: formatting, static analysis, spelling."""

import shutil
import subprocess

from tree import Finding

FORMATS = ("clang-format", "--dry-run", "-Werror", "--style=file")
CPPCHECK = ("cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability",
            "--error-exitcode=1", "--inline-suppr", "-j", "2", "-I", ".", "-D_GNU_SOURCE",
            "--suppressions-list=tests/style/cppcheck.suppressions",
            "--template={file}:{line}: {message} [{id}]")
CODESPELL = ("codespell", "--ignore-words=tests/style/spelling.words",
             "--skip=./build,./var,./.git,*.pyc,*.sum,*.bin,*.svg")


def _run(tree, command):
    if not shutil.which(command[0]):
        yield Finding("tests/style/check", 1, f"{command[0]} is not installed")
        return
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    for line in lines or [f"{command[0]} ended with {done.returncode}"]:
        yield line


def formatting(tree):
    """clang-format with the root's configuration."""
    if tree.c_files():
        first = {}
        for line in _run(tree, (*FORMATS, *tree.c_files())):
            if isinstance(line, Finding):
                yield line
            elif "error:" in line:
                path, number = line.split(":")[:2]
                first.setdefault(path, number)
        for path, number in first.items():
            yield Finding(path, number, "differs from here on; run clang-format -i")


def analysis(tree):
    """cppcheck; what is wrong in it is suppressed by name, in one file."""
    files = [path for path in tree.c_files() if path.endswith(".c")]
    if files:
        yield from _run(tree, (*CPPCHECK, *files))


def spelling(tree):
    """codespell over everything."""
    yield from _run(tree, CODESPELL)


TOOLS = (formatting, analysis, spelling)
