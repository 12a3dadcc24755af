"""docs/ERRORS.md out of the tables that define the codes. Prints it, or with --write, writes it."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STRING = r'((?:"(?:[^"\\]|\\.)*"\s*|[A-Z_]+\s*)+)'
HEAD = """# What is answered when the answer is no

Every refusal is a problem document (RFC 9457): `type` is `urn:sijang:problem:<code>`, `status` the
HTTP status, `title` the sentence below, `detail` and `errors` what belongs to this occurrence,
`request_id` what logs know it by. Programs look at `code`, which is stable; sentences may change.
*Again* says whether the same request may succeed later without being changed; 503 comes with
`Retry-After`. Made by `scripts/errors.py` from the tables in the code; a test compares.
"""


def sources(*patterns):
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            yield path, path.read_text()


def text_of(literals):
    """C string literals side by side; the one macro among them is a header's name."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|([A-Z_]+)', literals)
    defined = {"FORWARDED_HEADER": "Sijang-Forwarded"}
    return "".join(literal or defined.get(macro, macro) for literal, macro in words)


def faults():
    text = (ROOT / "lib/core/error.h").read_text().replace("\\\n", "")
    for code, status, again, said in re.findall(
            rf'X\([A-Z_]+,\s*"([a-z_]+)",\s*(\d+),\s*(true|false),\s*{STRING}\)', text):
        yield code, int(status), again == "true", text_of(said)


def web_problems():
    text = (ROOT / "lib/web/problem.h").read_text().replace("\\\n", "")
    for code, status, said in re.findall(rf"X\(([a-z_]+),\s*(\d+),\s*{STRING}\)", text):
        yield code, int(status), int(status) >= 500, text_of(said)


def refusals():
    for path, text in sources("schemas/*/refusals.def"):
        for code, status, said in re.findall(rf"REFUSAL\(([a-z_]+),\s*(\d+),\s*{STRING}\)", text):
            yield code, int(status), path.parent.name, text_of(said)


def constants():
    """Problems that a floor has for itself."""
    for path, text in sources("lib/**/*.c", "command-svc/**/*.c", "query-svc/**/*.c",
                              "projector/**/*.c"):
        for body in re.findall(r"struct problem \w+ = \{(.*?)\n\};", text, re.DOTALL):
            status = re.search(r"\.status = (\d+),", body)
            code = re.search(r'\.code = "([a-z_]+)",', body)
            title = re.search(rf"\.title = {STRING}", body)
            if status and code and title:
                yield (code[1], int(status[1]), int(status[1]) >= 500,
                       path.relative_to(ROOT).parts[0], text_of(title[1]))


def gateway():
    seen = set()
    for _, text in sources("compose/haproxy/*.cfg"):
        for said, status, code in re.findall(
                r'"title":"([^"]+)","status":(\d+),"code":"([a-z_]+)"', text):
            if (code, said) not in seen:
                seen.add((code, said))
                yield code, int(status), int(status) >= 500 or status == "408", said


def field_codes():
    text = (ROOT / "lib/record/json.h").read_text()
    return re.findall(r"[a-z_]+", re.search(r"const char \*code;\s*/\*(.*?)\*/", text,
                                            re.DOTALL)[1])


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for code, *cells in rows:
        shown = [("yes" if cell else "no") if isinstance(cell, bool) else str(cell)
                 for cell in cells]
        lines.append("| " + " | ".join([f"`{code}`", *shown]) + " |")
    return "\n".join(lines)


def document():
    plain = ("code", "status", "again", "title")
    fields = ", ".join(f"`{code}`" for code in field_codes())
    return "\n".join([
        HEAD,
        "## The world did not let us (faults)\n", table(plain, faults()), "",
        "## The request is not one we take\n", table(plain, web_problems()), "",
        table(("code", "status", "again", "by", "title"), constants()), "",
        f"`invalid_fields` has `errors`, each with the field's dotted path and one of: {fields}.\n",
        "## The business says no (refusals)\n",
        "Decided again when asked again: they say what was true at that moment.\n",
        table(("code", "status", "context", "title"), refusals()), "",
        "## From the gateway\n", table(plain, gateway()), "",
        "What is no HTTP, or has a head of more than 16 KiB, is refused with 400 and HAProxy's own"
        " page.\n"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        (ROOT / "docs/ERRORS.md").write_text(document())
    else:
        print(document(), end="")
