"""Reads C just well enough for the style rules: comments, strings, includes, function bodies."""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

TOKEN = re.compile(r"""
    /\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
""", re.VERBOSE | re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
CONTROL = ("if", "for", "while", "switch", "do", "else")


@dataclass
class Text:
    """A comment or a string literal, without its marks, and the line it starts on."""
    line: int
    text: str


@dataclass
class Function:
    name: str
    line: int
    lines: int
    parameters: int
    nesting: int


@dataclass
class Include:
    line: int
    path: str
    quoted: bool


@dataclass
class Source:
    path: PurePosixPath
    text: str
    code: str = ""  # the text with comments, and what strings contain, blanked out
    comments: list = field(default_factory=list)
    strings: list = field(default_factory=list)
    includes: list = field(default_factory=list)
    functions: list = field(default_factory=list)

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def is_header(self):
        return self.path.suffix == ".h"

    def line_at(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def matches(self, pattern):
        """(line, match) of a pattern in the code, outside comments and strings."""
        return [(self.line_at(found.start()), found) for found in re.finditer(pattern, self.code)]


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def read_source(path, text):
    source = Source(PurePosixPath(path), text)
    source.includes = [Include(text.count("\n", 0, found.start()) + 1, found[2], found[1] == '"')
                       for found in INCLUDE.finditer(text)]

    def replace(found):
        token = found[0]
        line = text.count("\n", 0, found.start()) + 1
        if token.startswith("/"):
            body = token[2:-2] if token.startswith("/*") else token[2:]
            source.comments.append(Text(line, body))
            return _blank(token)
        if token.startswith('"'):
            source.strings.append(Text(line, token[1:-1]))
        return token[0] + _blank(token[1:-1]) + token[-1]

    source.code = TOKEN.sub(replace, text)
    source.functions = list(_functions(source))
    return source


def _matching(code, start, step, opening, closing):
    depth = 0
    at = start
    while 0 <= at < len(code):
        if code[at] == opening:
            depth += 1
        elif code[at] == closing:
            depth -= 1
            if depth == 0:
                return at
        at += step
    return None


def _functions(source):
    code = DIRECTIVE.sub(lambda found: _blank(found[0]), source.code)
    at = code.find("{")
    while at >= 0:
        end = _matching(code, at, 1, "{", "}")
        if end is None:
            return
        before = code[:at].rstrip()
        if before.endswith(")"):
            function = _function(code, before, at, end)
            if function:
                yield function
        at = code.find("{", end)


def _function(code, before, start, end):
    opening = _matching(before, len(before) - 1, -1, ")", "(")
    if opening is None:
        return None
    name = re.search(r"(\w+)\s*$", before[:opening])
    if not name or "=" in before[before.rfind(";") + 1:opening].split("}")[-1]:
        return None
    if name[1] == "__attribute__":
        return _function(code, before[:name.start(1)].rstrip(), start, end)
    first = code.count("\n", 0, name.start(1)) + 1
    last = code.count("\n", 0, end) + 1
    return Function(name[1], first, last - first + 1, _parameters(before[opening + 1:-1]),
                    _nesting(code[start:end + 1]))


def _parameters(text):
    """The way out for errors, a last `struct error *`, is not counted."""
    text = re.sub(r",?\s*struct error \*\w+\s*$", "", text)
    if text.strip() in ("", "void"):
        return 0
    depth = 0
    count = 1
    for character in text:
        depth += (character in "([") - (character in ")]")
        count += character == "," and depth == 0
    return count


def _nesting(body):
    """The deepest block of control statements; braces of initialisers do not count."""
    deepest = depth = 0
    blocks = []
    for at, character in enumerate(body):
        if character == "{":
            control = _opens_block(body[:at])
            blocks.append(control)
            depth += control
            deepest = max(deepest, depth)
        elif character == "}":
            depth -= blocks.pop()
    return deepest


def _opens_block(before):
    stripped = before.rstrip()
    if stripped.endswith(")"):
        opening = _matching(stripped, len(stripped) - 1, -1, ")", "(")
        word = re.search(r"(\w+)\s*$", stripped[:opening]) if opening else None
        return bool(word) and (word[1] in CONTROL or word[1].isupper() or "foreach" in word[1])
    word = re.search(r"(\w+)$", stripped)
    return bool(word) and word[1] in ("else", "do")
