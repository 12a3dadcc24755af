"""The style gate itself: each rule finds its small offence, and leaves good code alone."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rules  # noqa: E402
import tools  # noqa: E402
from c_source import read_source  # noqa: E402
from tree import Tree  # noqa: E402

HEAD = "/* What and why. */\n"
DIRECTORY = "/* The directory. */\nCONTEXT(catalog)\nCONTEXT(orders)\n"


@pytest.fixture
def offences(tmp_path):
    """offences(rule, {path: text}): what the rule says about a tree of these files."""
    def run(rule, files):
        for path, text in {"schemas/contexts.def": DIRECTORY, **files}.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return [str(finding) for finding in rule(Tree(tmp_path))]
    return run


def body(lines):
    return "void walk(int a)\n{\n" + "    a++;\n" * (lines - 3) + "}\n"


def test_a_function_may_have_100_lines_and_not_one_more(offences):
    assert not offences(rules.sizes, {"lib/core/walk.c": body(100)})
    assert "walk has 101 lines" in offences(rules.sizes, {"lib/core/walk.c": body(101)})[0]


def test_a_file_may_have_800_lines_and_a_header_120(offences):
    assert not offences(rules.sizes, {"a.c": "\n" * 800, "a.h": "\n" * 120})
    assert len(offences(rules.sizes, {"a.c": "\n" * 801, "a.h": "\n" * 121})) == 2


def test_a_line_ends_at_column_100(offences):
    assert not offences(rules.sizes, {"a.c": "x" * 100})
    assert offences(rules.sizes, {"a.c": "x" * 101, "b.py": "x" * 101, "sijang": "#!/bin/sh\n"})


def test_five_parameters_are_enough(offences):
    five = "void f(int a, int (*b)(int, int), int c, int d, int e)\n{\n}\n"
    assert not offences(rules.sizes, {"a.c": five})
    six = five.replace("int e", "int e, int f")
    assert "6 parameters" in offences(rules.sizes, {"a.c": six})[0]


def test_the_way_out_for_errors_is_not_counted(offences):
    assert not offences(rules.sizes, {"a.c": "void f(int a, int b, int c, int d, int e,\n"
                                             "       struct error *error)\n{\n}\n"})


def test_only_named_callbacks_of_libraries_have_more(offences):
    callback = "void on_it(int a, int b, int c, int d, int e, int f)\n{\n}\n"
    listed = {"tests/style/foreign_signatures": "a.c on_it\n", "a.c": callback}
    assert not offences(rules.sizes, listed)
    assert "no exception" in offences(rules.sizes, {**listed, "a.c": HEAD})[0]


def test_blocks_nest_three_deep(offences):
    def nested(depth):
        inside = "if (a) {\n" * depth + "g((struct s){{1}});\n" + "}" * depth
        return "void f(void)\n{\n" + inside + "}"
    assert not offences(rules.sizes, {"a.c": nested(3)})
    assert "4 blocks" in offences(rules.sizes, {"a.c": nested(4)})[0]


def test_initialisers_and_macros_are_not_functions():
    source = read_source("a.c", "static struct s t = {f(1), (int[]){2}};\n"
                                "#define X(a) \\\n    g(a) { }\n"
                                "struct s {\n    int a;\n};\n"
                                "MUST_CHECK int real(void) __attribute__((pure))\n{\n}\n")
    assert [(function.name, function.parameters) for function in source.functions] == [("real", 0)]


@pytest.mark.parametrize("path, include", [
    ("lib/core/a.c", "command-svc/command.h"),
    ("lib/core/a.c", "schemas/catalog/events.h"),
    ("lib/core/a.c", "lib/log/reader.h"),
    ("lib/index/a.c", "lib/db/pipeline.h"),
    ("schemas/a.c", "command-svc/command.h"),
    ("command-svc/a.c", "projector/view.h"),
    ("query-svc/catalog/a.c", "projector/catalog/product_list.h"),
    ("command-svc/catalog/a.c", "command-svc/orders/order.h"),
    ("command-svc/catalog/a.c", "product.h"),
    ("command-svc/a.c", "ctl/a.h"),
])
def test_no_arrow_goes_back(offences, path, include):
    assert offences(rules.layering, {path: f'{HEAD}#include "{include}"\n'})


@pytest.mark.parametrize("path, include", [
    ("lib/log/a.c", "lib/record/avro.h"),
    ("lib/log/a.c", "lib/log/fence.h"),
    ("schemas/a.c", "lib/record/record.h"),
    ("command-svc/contexts.c", "command-svc/catalog/catalog_commands.h"),
    ("command-svc/catalog/a.c", "command-svc/command.h"),
    ("command-svc/catalog/a.c", "schemas/orders/order_placed.h"),
    ("tests/system/a.c", "projector/view.h"),
])
def test_arrows_forward_are_fine(offences, path, include):
    assert not offences(rules.layering, {path: f'{HEAD}#include "{include}"\n'})


@pytest.mark.parametrize("include, owner", [
    ("librdkafka/rdkafka.h", "lib/log"), ("libpq-fe.h", "lib/db"), ("microhttpd.h", "lib/web"),
    ("curl/curl.h", "lib/web"), ("jwt.h", "lib/web"), ("lmdb.h", "lib/index"),
])
def test_foreign_libraries_stay_in_their_part(offences, include, owner):
    text = f"{HEAD}#include <{include}>\n"
    assert not offences(rules.layering, {f"{owner}/a.c": text})
    assert owner in offences(rules.layering, {"command-svc/a.c": text})[0]


def test_settings_come_through_the_table(offences):
    text = 'char *home(void)\n{\n    return getenv("HOME");\n}\n'
    assert not offences(rules.environment, {"lib/core/config.c": text})
    assert offences(rules.environment, {"lib/log/reader.c": text})
    assert not offences(rules.environment, {"lib/core/config.c": text,
                                            "lib/log/reader.c": "/* getenv(x) */ f(\"getenv(\");"})


def test_the_platform_and_the_rooms_never_log(offences):
    text = 'void f(void)\n{\n    log_error("gone", LOG_NONE);\n}\n'
    assert not offences(rules.logging, {"command-svc/main.c": text})
    assert len(offences(rules.logging, {"lib/log/a.c": text,
                                        "projector/catalog/a.c": text})) == 2


def test_the_platform_knows_no_business_word(offences):
    fine = f'{HEAD}/* a product, say */ int memory_order; const char *in = "order";\n'
    assert not offences(rules.business_words, {"lib/core/a.c": fine})
    assert offences(rules.business_words, {"lib/core/a.c": "int product_count;\n"})
    assert offences(rules.business_words, {"lib/core/a.c": 'f("sijang.catalog.events.v1");\n'})
    assert not offences(rules.business_words, {"lib/core/a.c": fine,
                                               "projector/a.c": "int product_count;\n"})


@pytest.mark.parametrize("name", ["lib/core/utils.c", "scripts/common.sh", "lib/log_helpers.h"])
def test_a_name_that_says_nothing_is_refused(offences, name):
    assert offences(rules.file_names, {name: HEAD})


def test_a_source_starts_with_its_own_header(offences):
    header = f"{HEAD}#pragma once\nint f(void);\n"
    good = f'{HEAD}#include "lib/core/a.h"\n\n#include <stdio.h>\n'
    bad = f'{HEAD}#include <stdio.h>\n#include "lib/core/a.h"\n'
    assert not offences(rules.headers, {"lib/core/a.h": header, "lib/core/a.c": good})
    assert offences(rules.headers, {"lib/core/a.h": header, "lib/core/a.c": bad})


def test_a_header_is_guarded_and_is_no_umbrella(offences):
    assert "pragma" in offences(rules.headers, {"a.h": f"{HEAD}int f(void);\n"})[0]
    both = f'{HEAD}#pragma once\n\n#include "lib/a.h"\n#include "lib/b.h"\n'
    assert "umbrella" in offences(rules.headers, {"a.h": both})[0]
    assert not offences(rules.headers, {"a.h": both + "int f(void);\n"})


def test_a_file_has_a_head_of_one_to_four_lines(offences):
    assert not offences(rules.comments, {"a.c": "/* 1\n * 2\n * 3\n * 4 */\nint a;\n"})
    assert "5 lines" in offences(rules.comments, {"a.c": "/* 1\n2\n3\n4\n5 */\nint a;\n"})[0]
    assert "no head" in offences(rules.comments, {"a.c": "int a;\n"})[0]


@pytest.mark.parametrize("text", ["/* ---- setup ---- */", "/******** setup */", "// ======"])
def test_a_banner_is_refused(offences, text):
    assert offences(rules.comments, {"a.c": f"{HEAD}{text}\n"})


def test_nothing_is_left_for_later(offences):
    later = "TO" + "DO"
    assert offences(rules.comments, {"a.c": f"{HEAD}/* {later}: the rest */\n"})
    assert offences(rules.comments, {"a.py": f"# {later}\n"})


def test_structs_have_no_typedefs(offences):
    assert offences(rules.names, {"a.h": "typedef struct a b;\n"})
    assert offences(rules.names, {"a.h": "struct a_t {\n};\n"})
    assert not offences(rules.names, {"a.h": "typedef int (*call)(void);\nstruct a {\n};\n"})


def test_text_is_not_built_by_snprintf(offences):
    text = "void f(void)\n{\n    snprintf(a, 1, b);\n}\n"
    assert not offences(rules.unsafe_calls, {"lib/core/a.c": text})
    assert offences(rules.unsafe_calls, {"projector/a.c": text})
    assert offences(rules.unsafe_calls, {"lib/core/a.c": text.replace("snprintf", "strcpy")})


def test_tests_do_not_sleep(offences):
    text = "void f(void)\n{\n    usleep(10);\n}\n"
    assert offences(rules.waiting, {"tests/lib/a.c": text})
    assert not offences(rules.waiting, {"tests/lib/a.c": HEAD, "lib/core/a.c": text})
    nap = "time.sle" + "ep(1)\n"
    assert offences(rules.waiting, {"tests/system/test_a.py": nap})


def test_a_code_stands_in_its_table_only(offences):
    table = '#define FAULTS(X) \\\n    X(NOT_READY, "not_ready", 503, true, "Later.")\n'
    refusals = 'REFUSAL(stock_short, 409, "Too few.")\n'
    assert not offences(rules.literals, {"lib/core/error.h": table,
                                         "command-svc/catalog/refusals.def": refusals})
    assert "code" in offences(rules.literals, {"a.c": 'f("not_ready");\n'})[0]
    assert "code" in offences(rules.literals, {"a.c": 'f("stock_short");\n'})[0]


def test_a_topic_or_metric_is_spelled_once(offences):
    assert not offences(rules.literals, {"a.c": 'f("sijang_events_total", "sijang_events_total");'})
    assert "stands in" in offences(rules.literals, {"b.c": 'f("sijang_events_total");'})[0]


def test_the_formatter_and_the_analyser_are_asked(offences):
    style = (Path(__file__).resolve().parents[2] / ".clang-format").read_text()
    ill = {".clang-format": style, "tests/style/cppcheck.suppressions": "",
           "a.c": "int f(void)\n{\n        int a[2] = {0};\n    return a[2];\n}\n"}
    assert any("a.c:" in line for line in offences(tools.formatting, ill))
    assert any("arrayIndexOutOfBounds" in line for line in offences(tools.analysis, ill))


def test_spelling_is_checked(offences):
    wrong = "rec" + "ieve"
    assert offences(tools.spelling, {"tests/style/spelling.words": "", "a.md": f"{wrong}\n"})
    assert not offences(tools.spelling, {"a.md": "receive\n"})
