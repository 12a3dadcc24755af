"""The files that the rules look at."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from c_source import read_source

SKIPPED = {"build", "var", ".git", "__pycache__", ".pytest_cache", "node_modules"}
TEXT_SUFFIXES = {".c", ".h", ".def", ".py", ".sh", ".sql", ".cmake", ".js", ".css"}


# Callbacks whose parameters a library prescribes: path and name, one a line.
FOREIGN_SIGNATURES = PurePosixPath("tests/style/foreign_signatures")


@dataclass(frozen=True)
class Finding:
    path: PurePosixPath
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.paths = sorted(self._walk())
        self.texts = {path: (self.root / path).read_text(errors="replace") for path in self.paths
                      if path.suffix in TEXT_SUFFIXES or self._is_script(path)}
        self.sources = [read_source(path, text) for path, text in self.texts.items()
                        if path.suffix in (".c", ".h")]
        self.foreign_signatures = self._foreign_signatures()
        directories = [text for path, text in self.texts.items()
                       if path.parts[-2:] == ("schemas", "contexts.def")]
        self.contexts = set(re.findall(r"^CONTEXT\((\w+)\)", "\n".join(directories), re.MULTILINE))

    def _foreign_signatures(self):
        path = self.root / FOREIGN_SIGNATURES
        return set(path.read_text().splitlines()) if path.exists() else set()

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED]
            for name in files:
                yield PurePosixPath((Path(folder) / name).relative_to(self.root))

    def _is_script(self, path):
        if path.suffix:
            return False
        with open(self.root / path, "rb") as file:
            return file.read(2) == b"#!"

    def c_files(self):
        return [str(source.path) for source in self.sources]
