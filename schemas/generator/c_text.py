"""Pieces of C: literals, comments, lines."""


def string(text):
    """A C string literal; no trigraphs, no bytes beyond ASCII."""
    plain = {'"': '\\"', "\\": "\\\\", "?": "\\?", "\n": "\\n"}
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        out.append(plain.get(char) or (char if 32 <= byte < 127 else f"\\{byte:03o}"))
    return '"' + "".join(out) + '"'


def long_string(text, width=76):
    """Adjacent literals, cut between characters of the text."""
    parts = [text[at : at + width] for at in range(0, len(text), width)] or [""]
    return "\n".join("    " + string(part) for part in parts)


def comment(text):
    """One line; a doc that would end the comment early is defused."""
    return "/* " + " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *") + " */"


def integer(value):
    return "INT64_MIN" if value == -(2**63) else f"INT64_C({value})"


def write_if_changed(path, text):
    """Leaves the file's time alone when nothing changed, so that nothing is compiled again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
