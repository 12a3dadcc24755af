"""The house rules that no tool knows, one function each: tree -> findings."""

import re
from collections import defaultdict

from c_source import IDENTIFIER
from tree import FOREIGN_SIGNATURES, Finding

FUNCTION_LINES_MAX, FUNCTION_LINES_WANTED = 100, 60
FILE_LINES_MAX, FILE_LINES_WANTED = 800, 400
HEADER_LINES_MAX = 120
COLUMNS_MAX = 100
PARAMETERS_MAX = 5
NESTING_MAX = 3
HEAD_LINES_MAX = 4

FLOORS = {"lib", "schemas", "command-svc", "projector", "query-svc", "relay", "ctl"}
# What may be included by whom inside lib/: a part, and what it stands on.
LIB_FLOORS = {
    "core": [],
    "record": ["core"],
    "log": ["record", "core"],
    "index": ["record", "core"],
    "db": ["record", "core"],
    "web": ["record", "core"],
}
# Foreign headers, and the one part that may know them.
CONFINED = {
    r"librdkafka/|rdkafka": "lib/log",
    r"libpq-fe\.h|libpq/|postgresql/": "lib/db",
    r"microhttpd\.h|curl/|jwt\.h": "lib/web",
    r"lmdb\.h": "lib/index",
}
BUSINESS_WORDS = {
    "product", "products", "catalog", "orders", "wallet", "wallets", "payment", "payments",
    "seller", "buyer", "customer", "shop", "cart", "stock", "price", "reservation", "promotion",
    "fulfilment", "refund", "friendship", "friend", "menu", "coffee", "ticket", "pickup",
    "marketplace", "moderator", "moderation", "checkout",
}
BANNED_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "misc", "stuff"}
PLATFORM_CONFIG = re.compile(r"^lib/core/config\w*\.c$")


def long_functions(tree):
    """Functions over the wanted size, for the report."""
    return [(source, function) for source in tree.sources for function in source.functions
            if function.lines > FUNCTION_LINES_WANTED]


def sizes(tree):
    waived = set()
    for source in tree.sources:
        count = len(source.lines)
        limit = HEADER_LINES_MAX if source.is_header else FILE_LINES_MAX
        if count > limit:
            yield Finding(source.path, limit + 1, f"{count} lines; at most {limit}")
        for function in source.functions:
            name = f"{source.path} {function.name}"
            if function.parameters > PARAMETERS_MAX and name in tree.foreign_signatures:
                waived.add(name)
                function.parameters = 0
            yield from _function_sizes(source, function)
    for name in tree.foreign_signatures - waived:
        yield Finding(FOREIGN_SIGNATURES, 1, f"{name} needs no exception")
    for path, text in tree.texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if len(line.expandtabs(4)) > COLUMNS_MAX:
                yield Finding(path, number, f"{len(line.expandtabs(4))} columns; "
                                            f"at most {COLUMNS_MAX}")


def _function_sizes(source, function):
    for value, limit, what in ((function.lines, FUNCTION_LINES_MAX, "lines"),
                               (function.parameters, PARAMETERS_MAX, "parameters"),
                               (function.nesting, NESTING_MAX, "blocks inside each other")):
        if value > limit:
            yield Finding(source.path, function.line,
                          f"{function.name} has {value} {what}; at most {limit}")


def in_house(path):
    """Its parts below the root of its tree: the contexts of the tests have one of their own."""
    inner = path.parts[:2] == ("tests", "contexts") and path.parts[2] in FLOORS
    return path.parts[2:] if inner else path.parts


def layering(tree):
    for source in tree.sources:
        if in_house(source.path)[0] not in FLOORS:
            continue
        for include in source.includes:
            why = _forbidden(tree, source, include)
            if why:
                yield Finding(source.path, include.line, f"includes {include.path}: {why}")


def _forbidden(tree, source, include):
    for pattern, owner in CONFINED.items():
        if re.match(pattern, include.path):
            return None if str(source.path).startswith(owner + "/") else f"stays in {owner}"
    if not include.quoted:
        return None
    if "/" not in include.path:
        return "is not written from the root"
    here, there = in_house(source.path), include.path.split("/")
    if here[0] == "lib":
        return _forbidden_in_lib(here, there)
    if there[0] == "lib" or there[0] == "schemas":
        return None
    if here[0] == "schemas":
        return "schemas stand on lib only"
    if there[0] != here[0]:
        return f"{here[0]} knows no file of {there[0]}"
    room = here[1] if len(here) > 2 and here[1] in tree.contexts else None
    if room and there[1] in tree.contexts and there[1] != room:
        return f"{room} knows no room of {there[1]}"
    return None


def _forbidden_in_lib(here, there):
    if there[0] != "lib":
        return "the platform stands on nothing of this house"
    if len(here) > 2 and len(there) > 2 and there[1] not in (here[1], *LIB_FLOORS.get(here[1], [])):
        return f"lib/{here[1]} does not stand on lib/{there[1]}"
    return None


def environment(tree):
    """getenv is config's alone."""
    for source in tree.sources:
        if source.path.parts[0] == "tests" or PLATFORM_CONFIG.match(str(source.path)):
            continue
        for line, _ in source.matches(r"\b(?:secure_)?getenv\s*\("):
            yield Finding(source.path, line, "getenv: settings come through the program's table")


def logging(tree):
    """The platform and the rooms never log: the boundary does, once."""
    for source in tree.sources:
        parts = source.path.parts
        room = len(parts) > 2 and parts[1] in tree.contexts and parts[0] != "tests"
        if not (parts[0] == "lib" or room) or parts[:2] == ("lib", "core"):
            continue
        for line, found in source.matches(r"\b(log_(?:debug|info|warning|error)|logger_write|"
                                          r"printf|fprintf|perror|syslog)\s*\("):
            yield Finding(source.path, line, f"{found[1]}: only the boundary logs")


def business_words(tree):
    for source in tree.sources:
        if source.path.parts[0] != "lib":
            continue
        for line, found in source.matches(IDENTIFIER):
            words = set(re.sub(r"([a-z])([A-Z])", r"\1_\2", found[0]).lower().split("_"))
            if found[0] == "order_id":
                words.add("orders")
            for word in words & BUSINESS_WORDS:
                yield Finding(source.path, line, f"{found[0]}: the platform knows no {word!r}")
        for string in source.strings:
            for word in set(re.findall(r"[a-z]+", string.text.lower())) & BUSINESS_WORDS:
                yield Finding(source.path, string.line, f"\"{string.text}\": the platform knows "
                                                        f"no {word!r}")


def file_names(tree):
    for path in tree.paths:
        words = set(re.split(r"[-_.]", path.stem.lower()))
        for word in words & BANNED_NAMES:
            yield Finding(path, 1, f"a file called {word!r} says nothing")


def headers(tree):
    paths = set(tree.paths)
    for source in tree.sources:
        if source.is_header:
            yield from _header_findings(source)
        elif source.path.with_suffix(".h") in paths:
            own = "/".join(in_house(source.path.with_suffix(".h")))
            if not source.includes or source.includes[0].path != own:
                yield Finding(source.path, 1, f"its own header {own} comes first")


def _header_findings(source):
    if "#pragma once" not in source.text:
        yield Finding(source.path, 1, "no #pragma once")
    if len(source.includes) > 1 and not re.sub(r"^\s*#.*$", "", source.code, flags=re.M).strip():
        if "#define" not in source.code:
            yield Finding(source.path, 1, "an umbrella header: include what is used")


def comments(tree):
    """A head that says what and why; no banners; nothing left for later."""
    for source in tree.sources:
        yield from _head(source)
        for comment in source.comments:
            if re.search(r"([-=*#~_+])\1{3}", comment.text):
                yield Finding(source.path, comment.line, "a banner comment")
    for path, text in tree.texts.items():
        if path.parts[:2] == ("tests", "style"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                yield Finding(path, number, "left for later")
            if re.match(r"\s*(#|//)\s*([-=*#~+])\2{3}", line):
                yield Finding(path, number, "a banner comment")


def _head(source):
    first = source.comments[0] if source.comments and source.text.startswith("/*") else None
    if first is None:
        yield Finding(source.path, 1, "no head comment: one to four lines, what and why")
    elif len(first.text.splitlines()) > HEAD_LINES_MAX:
        yield Finding(source.path, 1, f"a head of {len(first.text.splitlines())} lines; "
                                      f"at most {HEAD_LINES_MAX}")


def names(tree):
    for source in tree.sources:
        for line, found in source.matches(r"\btypedef\s+(struct|union|enum)\b"):
            yield Finding(source.path, line, f"typedef of a {found[1]}")
        for line, found in source.matches(r"\b(?:struct|enum|union)\s+(\w+_t)\b(?=\s*\{)"):
            yield Finding(source.path, line, f"{found[1]}: no names in _t")


def unsafe_calls(tree):
    """Text is built by buffers and tables; snprintf stays in lib/core."""
    for source in tree.sources:
        for line, found in source.matches(r"\b(sprintf|vsprintf|strcpy|strcat|gets|strtok|alloca)"
                                          r"\s*\("):
            yield Finding(source.path, line, f"{found[1]} knows no bounds")
        if source.path.parts[0] == "tests" or source.path.parts[:2] == ("lib", "core"):
            continue
        for line, found in source.matches(r"\b(v?snprintf)\s*\("):
            yield Finding(source.path, line, f"{found[1]} stays in lib/core")


def waiting(tree):
    """Tests wait for something, never for time to pass."""
    for source in tree.sources:
        if source.path.parts[0] == "tests":
            for line, found in source.matches(r"\b(sleep|usleep|nanosleep|thrd_sleep)\s*\("):
                yield Finding(source.path, line, f"{found[1]} in a test")
    for path, text in tree.texts.items():
        if path.parts[0] != "tests" or path.suffix != ".py" or path.stem in ("waiting",):
            continue
        if path.parts[1] in ("style", "bench"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"\bsleep\(", line):
                yield Finding(path, number, "sleep in a test")


CODE_TABLES = (
    r'\bX\(\s*[A-Z_]+\s*,\s*"([a-z_]+)"\s*,\s*[1-5]\d\d\b',
    r"\bX\(\s*([a-z_]+)\s*,\s*[1-5]\d\d\b",
    r"\bREFUSAL\(\s*([a-z_]+)\s*,\s*[1-5]\d\d\b",
)


def literals(tree):
    """Codes of errors, topics and metrics stand in their table; nowhere a second time."""
    defined = defaultdict(list)
    for path, text in tree.texts.items():
        if path.suffix in (".c", ".h", ".def") and path.parts[0] != "tests":
            for pattern in CODE_TABLES:
                for found in re.finditer(pattern, text):
                    defined[found[1]].append((path, text.count("\n", 0, found.start()) + 1))
    for code, places in defined.items():
        for path, line in places[1:]:
            yield Finding(path, line, f"code {code!r} is defined in {places[0][0]}, too")
    yield from _second_literals(tree, defined)


def _second_literals(tree, defined):
    seen = {}
    for source in tree.sources:
        if source.path.parts[0] == "tests":
            continue
        for string in source.strings:
            if string.text in defined:
                if source.path not in {path for path, _ in defined[string.text]}:
                    yield Finding(source.path, string.line, f"\"{string.text}\" is a code of "
                                                            f"{defined[string.text][0][0]}")
            elif re.fullmatch(r"sijang[._][a-z_.%-]+", string.text):
                first = seen.setdefault(string.text, source.path)
                if first != source.path:
                    yield Finding(source.path, string.line,
                                  f"\"{string.text}\" stands in {first}, too")


RULES = (sizes, layering, environment, logging, business_words, file_names, headers, comments,
         names, unsafe_calls, waiting, literals)
