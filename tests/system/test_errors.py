"""docs/ERRORS.md is what the tables say, and no code that the sources name is missing in it."""

import re
import subprocess
import sys

from support.paths import ROOT

DOCUMENT = (ROOT / "docs/ERRORS.md").read_text()
FLOORS = ("lib", "schemas", "command-svc", "query-svc", "projector")


def test_the_document_is_what_the_tables_say():
    made = subprocess.run([sys.executable, ROOT / "scripts/errors.py"], check=True, text=True,
                          capture_output=True, timeout=30).stdout
    assert made == DOCUMENT, "scripts/errors.py --write"


def test_no_code_in_the_sources_is_missing():
    """Found in another way than the document was made: by name alone, wherever one stands."""
    named = set()
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.[chd]*"):
            if path.suffix in (".c", ".h", ".def"):
                text = path.read_text()
                named |= set(re.findall(r'\.code = "([a-z_]+)"', text))
                named |= set(re.findall(r"REFUSAL\(([a-z_]+), \d", text))
                named |= set(re.findall(r"\bX\(([a-z_]+), [1-5]\d\d,", text))
                named |= set(re.findall(r'\bX\([A-Z_]+, "([a-z_]+)", [1-5]\d\d,', text))
    for path in (ROOT / "compose/haproxy").glob("*.cfg"):
        named |= set(re.findall(r'"code":"([a-z_]+)"', path.read_text()))
    assert len(named) > 50
    assert {code for code in named if f"\n| `{code}` | " not in DOCUMENT} == set()
