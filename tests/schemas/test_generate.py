"""The generator guards the contract: what may be released, what stops a build."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATE = ROOT / "schemas" / "generate.py"
sys.path.insert(0, str(GENERATE.parent))

import generate  # noqa: E402

STRICT = (
    "-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes "
    "-Wmissing-prototypes -Werror -fno-common -fsanitize=address,undefined"
).split()


class Repository:
    """A folder with one context, shop, and one event, ItemSold, unless a test changes it."""

    def __init__(self, root):
        self.root = root
        self.folder = root / "schemas" / "shop"
        self.folder.mkdir(parents=True)
        (root / "lib" / "log" / "platform").mkdir(parents=True)
        (root / "schemas" / "contexts.def").write_text("CONTEXT(shop)\n")
        self.fields = [
            {"name": "title", "type": "string"},
            {"name": "price", "type": "long", "doc": "Won."},
            {"name": "remark", "type": ["null", "string"], "default": None},
            {
                "name": "kind",
                "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "USED"]},
            },
            {
                "name": "lines",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Line",
                        "fields": [{"name": "count", "type": "int"}],
                    },
                },
            },
        ]
        self.write()

    def write(self, name="ItemSold", file="item_sold", fields=None, **more):
        schema = {"type": "record", "namespace": "sijang.shop", "name": name}
        schema["fields"] = self.fields if fields is None else fields
        (self.folder / f"{file}.avsc").write_text(json.dumps({**schema, **more}, indent=2))

    def field(self, name):
        return next(field for field in self.fields if field["name"] == name)

    def drop(self, name):
        self.fields.remove(self.field(name))

    def run(self, *arguments):
        """In this process: starting one for each case takes most of the time."""
        command = ["--root", str(self.root), *map(str, arguments)]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = generate.main(command)
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

    def release(self):
        done = self.run("release")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def generate(self):
        return self.run("records", self.folder, self.root / "out" / "events")

    def refused(self, *words, run=None):
        done = run or self.run("release")
        assert done.returncode == 1
        for word in words:
            assert word in done.stderr
        return done.stderr

    @property
    def index(self):
        return json.loads((self.root / "schemas" / "released" / "ids.json").read_text())


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


@pytest.fixture
def released(repository):
    repository.release()
    return repository


def test_the_first_release_of_a_context_gets_1001(released):
    assert released.index == [{"id": 1001, "context": "shop", "name": "ItemSold", "version": 1}]
    assert released.generate().returncode == 0
    copy = released.root / "schemas" / "released" / "1001.avsc"
    assert copy.read_bytes() == (released.folder / "item_sold.avsc").read_bytes()


def test_a_release_without_changes_releases_nothing(released):
    assert released.release() == ""
    assert len(released.index) == 1


def test_platform_records_have_ids_of_their_own(repository):
    folder = repository.root / "lib" / "log" / "platform"
    schema = {"type": "record", "namespace": "sijang.platform", "name": "Claim"}
    schema["fields"] = [{"name": "note", "type": "string"}]
    (folder / "claim.avsc").write_text(json.dumps(schema))
    repository.release()
    assert [(one["id"], one["context"]) for one in repository.index] == [
        (1, "platform"),
        (1001, "shop"),
    ]


def test_a_build_stops_at_an_event_never_released(repository):
    repository.refused(
        "schemas/shop/item_sold.avsc", "not released", "release", run=repository.generate()
    )


def test_a_build_stops_at_a_change_not_released(released):
    released.fields.append({"name": "colour", "type": "string", "default": "red"})
    released.write()
    released.refused("item_sold.avsc", "differs", "release", run=released.generate())
    released.refused("differs", run=released.run("check"))
    released.refused("differs", run=released.run("registry", released.root / "registry"))
    assert "1002: sijang.shop.ItemSold, version 2" in released.release()
    assert released.generate().returncode == 0


def test_a_changed_doc_needs_no_release(released):
    released.field("price")["doc"] = "Won, per unit."
    released.write(doc="Something was sold.")
    assert released.generate().returncode == 0
    assert released.release() == ""


def test_a_build_stops_at_an_incompatible_change(released):
    released.field("price")["type"] = "string"
    released.write()
    message = released.refused("item_sold.avsc: field price", run=released.generate())
    assert "type changed from long to string" in message


def incompatible(name, words):
    def register(change):
        CHANGES.append(pytest.param(change, words, id=name))
        return change

    return register


CHANGES = []


@incompatible("added_without_default", ["field colour", "added without a default"])
def _(shop):
    shop.fields.append({"name": "colour", "type": "string"})


@incompatible("removed_without_default", ["field price", "was removed"])
def _(shop):
    shop.drop("price")


@incompatible("renamed", ["field price", "was removed"])
def _(shop):
    shop.field("price")["name"] = "cost"


@incompatible("renamed_by_alias", ["field cost", "aliases"])
def _(shop):
    shop.field("price").update(name="cost", aliases=["price"])


@incompatible("widened", ["field lines.count", "type changed from int to long"])
def _(shop):
    shop.field("lines")["type"]["items"]["fields"][0]["type"] = "long"


@incompatible("made_optional", ["field title", "from string to optional string"])
def _(shop):
    shop.field("title").update(type=["null", "string"], default=None)


@incompatible("made_required", ["field remark", "from optional string to string"])
def _(shop):
    shop.field("remark").update(type="string", default="")


@incompatible("symbol_removed", ["field kind", "only be appended"])
def _(shop):
    shop.field("kind")["type"]["symbols"] = ["NEW"]


@incompatible("symbols_reordered", ["field kind", "only be appended"])
def _(shop):
    shop.field("kind")["type"]["symbols"] = ["USED", "NEW"]


@incompatible("symbol_inserted", ["field kind", "only be appended"])
def _(shop):
    shop.field("kind")["type"]["symbols"] = ["NEW", "BROKEN", "USED"]


@incompatible("enum_renamed", ["field kind", "renamed"])
def _(shop):
    shop.field("kind")["type"]["name"] = "Sort"


@incompatible("nested_record_renamed", ["field lines", "renamed"])
def _(shop):
    shop.field("lines")["type"]["items"]["name"] = "Row"


@incompatible("nested_added_without_default", ["field lines.weight", "added without a default"])
def _(shop):
    shop.field("lines")["type"]["items"]["fields"].append({"name": "weight", "type": "long"})


@incompatible("nested_removed", ["field lines.count", "was removed"])
def _(shop):
    shop.field("lines")["type"]["items"]["fields"] = [
        {"name": "weight", "type": "long", "default": 1}
    ]


@pytest.mark.parametrize("change, words", CHANGES)
def test_an_incompatible_change_is_never_released(released, change, words):
    change(released)
    released.write()
    before = released.index
    released.refused("schemas/shop/item_sold.avsc", *words)
    assert released.index == before
    assert len(list((released.root / "schemas" / "released").glob("*.avsc"))) == 1
    released.refused(*words, run=released.generate())


def test_fields_with_defaults_come_and_go(released):
    released.fields.insert(0, {"name": "colour", "type": "string", "default": "red"})
    released.drop("remark")
    released.field("kind")["type"]["symbols"].append("BROKEN")
    released.fields.reverse()
    released.write()
    released.release()
    assert [one["version"] for one in released.index] == [1, 2]
    assert released.generate().returncode == 0


def test_every_released_version_counts_not_only_the_last(released):
    released.drop("remark")
    released.write()
    released.release()
    released.fields.append({"name": "remark", "type": "long", "default": 0})
    released.write()
    released.refused("field remark", "from optional string to long", "version 1")


def test_a_default_that_gave_old_events_their_meaning_stays(released):
    released.fields.append({"name": "colour", "type": "string", "default": "red"})
    released.write()
    released.release()
    released.field("colour")["default"] = "blue"
    released.write()
    released.refused("field colour", "default changed", "version 1")


def test_a_released_event_is_never_removed(released):
    (released.folder / "item_sold.avsc").unlink()
    for run in (released.run("release"), released.generate(), released.run("check")):
        released.refused("item_sold.avsc", "released", "never be removed", run=run)


def test_a_released_event_is_never_renamed(released):
    (released.folder / "item_sold.avsc").rename(released.folder / "thing_sold.avsc")
    released.write(name="ThingSold", file="thing_sold")
    released.refused("ItemSold", "never be removed")


def test_ids_are_never_given_twice(released):
    released.write(name="ItemLost", file="item_lost", fields=[{"name": "a", "type": "long"}])
    released.release()
    path = released.root / "schemas" / "released" / "ids.json"
    entries = released.index
    entries[1]["id"] = 1001
    path.write_text(json.dumps(entries))
    released.refused("ids.json", "1001", "twice")


def test_a_lost_release_is_noticed(released):
    (released.root / "schemas" / "released" / "1001.avsc").unlink()
    released.refused("released/1001.avsc", "cannot be read", run=released.generate())


def test_a_release_that_is_not_listed_is_noticed(released):
    (released.root / "schemas" / "released" / "ids.json").write_text("[]")
    released.refused("1001.avsc", "not listed")


def test_new_events_keep_the_numbers_of_the_old(released):
    fields = [{"name": "a", "type": "long"}]
    released.write(name="ArticleFound", file="article_found", fields=fields)
    released.release()
    assert released.generate().returncode == 0
    header = (released.root / "out" / "events.h").read_text()
    assert header.index("SHOP_ITEM_SOLD") < header.index("SHOP_ARTICLE_FOUND")


UNSUPPORTED = [
    ({"name": "a", "type": "double"}, "not supported"),
    ({"name": "a", "type": ["string", "null"]}, "only union"),
    ({"name": "a", "type": ["null", "string", "long"]}, "only union"),
    ({"name": "a", "type": {"type": "array", "items": "string"}}, "are records"),
    ({"name": "a", "type": {"type": "map", "values": "string"}}, "not supported"),
    ({"name": "a", "type": "Missing"}, "not supported"),
    ({"name": "a", "type": ["null", "string"], "default": "x"}, "default"),
    ({"name": "a", "type": "long", "default": 2**63}, "default"),
    ({"name": "a", "type": "int", "default": 2**31}, "default"),
    ({"name": "a", "type": "long", "default": True}, "default"),
    ({"name": "aB", "type": "long"}, "snake_case"),
    ({"name": "default", "type": "long"}, "word of C"),
    ({"name": "a", "type": {"type": "long", "logicalType": "date"}}, "logical type"),
    ({"name": "a", "type": ["null", {"type": "record", "name": "R", "fields": []}]}, "field"),
    ({"name": "a", "type": {"type": "array", "items": "ItemSold"}}, "contains itself"),
]


@pytest.mark.parametrize("field, words", UNSUPPORTED)
def test_what_the_codec_cannot_do_is_refused(repository, field, words):
    repository.write(fields=[field])
    repository.refused("schemas/shop/item_sold.avsc", words)


def test_a_file_is_called_as_its_event(repository):
    repository.write(name="ItemBought")
    repository.refused("item_sold.avsc", "item_bought.avsc")


def test_a_file_that_is_no_json_is_named(repository):
    (repository.folder / "item_sold.avsc").write_text("{")
    repository.refused("item_sold.avsc", "cannot be read")


def test_two_events_share_a_record_only_if_it_is_the_same(repository):
    fields = [{"name": "line", "type": {"type": "record", "name": "Line", "fields": []}}]
    fields[0]["type"]["fields"] = [{"name": "other", "type": "long"}]
    repository.write(name="ItemLost", file="item_lost", fields=fields)
    repository.release()
    repository.refused("Line", "differs", run=repository.generate())


def test_the_registry_names_subject_and_version(released):
    assert released.run("registry", released.root / "registry").returncode == 0
    source = (released.root / "registry.c").read_text()
    assert '{1001, "shop", "ItemSold", "sijang.shop.ItemSold", 1,' in source
    assert '"sijang.shop.events.v1-sijang.shop.ItemSold"' in source


READS_BOTH = r"""
#include "out/events.h"
#include "lib/record/avro.h"
#include <assert.h>
#include <stdio.h>

int main(void)
{
    /* version 1: title, price, remark, kind, lines */
    const char old[] = {0, 0, 0, 3, '\xe9', 2, 'x', 20, 2, 2, 'r', 2, 2, 14, 0};
    struct arena arena;
    struct item_sold sold;
    struct error error;
    arena_init(&arena, 65536);
    if (!avro_decode_framed(&item_sold_record, (struct text){old, sizeof(old)}, &arena, &sold,
                            &error))
        return puts(error.detail), 1;
    assert(text_is(sold.title, "x") && sold.price == 10 && sold.kind == KIND_USED);
    assert(text_is(sold.colour, "\"r\xc3\xb6t\"?") && sold.least == INT64_MIN && sold.open);
    assert(sold.next_kind == KIND_BROKEN && !sold.weight.present);
    assert(sold.place.floor == 3 && text_is(sold.place.street, "?\?="));
    assert(sold.lines.count == 1);
    const struct line *line = sold.lines.items;
    assert(line->count == 7 && line->weight == 5);

    struct buffer buffer;
    struct item_sold again;
    buffer_init(&buffer, 65536);
    avro_encode_framed(&item_sold_record, &sold, &buffer);
    assert(!buffer.failed && buffer.bytes[4] == 0xea);
    assert(avro_decode_framed(&item_sold_record, buffer_text(&buffer), &arena, &again, &error));
    assert(again.least == INT64_MIN && again.lines.count == 1);
    assert(shop_events[SHOP_ITEM_SOLD] == &item_sold_record && SHOP_EVENT_COUNT == 1);
    assert(shop_events[SHOP_EVENT_COUNT] == NULL);
    buffer_done(&buffer);
    arena_done(&arena);
    return 0;
}
"""


def test_generated_code_reads_old_events_with_their_defaults(released):
    place = {"type": "record", "name": "Place", "fields": []}
    place["fields"] = [
        {"name": "street", "type": "string", "default": "??="},
        {"name": "floor", "type": "int", "default": 3},
    ]
    line = released.field("lines")["type"]["items"]["fields"]
    line.append({"name": "weight", "type": "long", "default": 5})
    released.drop("remark")
    released.field("kind")["type"]["symbols"].append("BROKEN")
    released.fields += [
        {"name": "colour", "type": "string", "default": '"röt"?'},
        {"name": "least", "type": "long", "default": -(2**63)},
        {"name": "open", "type": "boolean", "default": True},
        {"name": "next_kind", "type": "Kind", "default": "BROKEN"},
        {"name": "weight", "type": ["null", "long"], "default": None},
        {"name": "extras", "type": {"type": "array", "items": "Line"}, "default": []},
        {"name": "place", "type": place, "default": {}},
    ]
    released.write(doc="It ends */ here?")
    released.release()
    assert released.generate().returncode == 0
    (released.root / "main.c").write_text(READS_BOTH)
    sources = [released.root / "main.c", released.root / "out" / "events.c"]
    sources += [ROOT / "lib" / "core" / f"{one}.c" for one in ("arena", "buffer", "error", "text")]
    codec = ("record", "avro_decode", "avro_encode")
    sources += [ROOT / "lib" / "record" / f"{one}.c" for one in codec]
    program = released.root / "program"
    subprocess.run(
        ["cc", *STRICT, f"-I{ROOT}", f"-I{released.root}", *sources, "-o", program], check=True
    )
    subprocess.run([program], check=True)


def test_a_refusal_fails_the_command(repository):
    command = [sys.executable, GENERATE, "--root", repository.root, "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    repository.refused("not released", run=done)
    assert done.stderr.startswith("schemas: ")


def test_the_contract_of_this_repository_is_released():
    subprocess.run([sys.executable, GENERATE, "check"], check=True)
