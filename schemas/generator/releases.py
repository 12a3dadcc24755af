"""Released schemas: committed, numbered for ever, compared with what the files say now."""

import json
from dataclasses import dataclass
from pathlib import Path

from .compatibility import default_breaks, record_breaks
from .schema import Record, SchemaError, parse, snake, without_docs

PLATFORM = "platform"
PLATFORM_ID_MAX = 999
RELEASE_COMMAND = "schemas/generate.py release"


@dataclass
class Release:
    schema_id: int
    context: str
    name: str
    version: int
    record: Record
    schema: dict


@dataclass
class Event:
    """An event as it is now, with all its releases, oldest first."""

    path: Path
    record: Record
    schema: dict
    releases: list

    @property
    def is_released(self):
        return bool(self.releases) and without_docs(self.schema) == without_docs(
            self.releases[-1].schema
        )


class Tree:
    """The folders of one repository."""

    def __init__(self, root):
        self.root = Path(root)
        self.released = self.root / "schemas" / "released"
        self.index = self.released / "ids.json"

    def shown(self, path):
        path = Path(path)
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def contexts(self):
        lines = (self.root / "schemas" / "contexts.def").read_text("utf-8").splitlines()
        return [line.strip()[8:-1] for line in lines if line.strip().startswith("CONTEXT(")]

    def folder(self, context):
        if context == PLATFORM:
            return self.root / "lib" / "log" / PLATFORM
        return self.root / "schemas" / context

    def releases(self):
        entries = json.loads(self.index.read_text("utf-8")) if self.index.exists() else []
        shown, seen, releases = self.shown(self.index), set(), []
        for entry in entries:
            schema_id = entry["id"]
            if schema_id in seen:
                raise SchemaError(shown, "", f"id {schema_id} is there twice")
            if (entry["context"] == PLATFORM) != (schema_id <= PLATFORM_ID_MAX):
                raise SchemaError(shown, "", f"id {schema_id} is not of {entry['context']}'s range")
            seen.add(schema_id)
            path = self.released / f"{schema_id}.avsc"
            record, schema = parse(self.shown(path), read(path, self.shown(path)))
            if record.full_name != f"sijang.{entry['context']}.{entry['name']}":
                raise SchemaError(self.shown(path), "", f"is not {entry['name']}, as {shown} says")
            name, version = entry["name"], entry["version"]
            releases.append(Release(schema_id, entry["context"], name, version, record, schema))
        for path in self.released.glob("*.avsc"):
            if path.stem not in {str(known) for known in seen}:
                raise SchemaError(self.shown(path), "", f"is not listed in {shown}")
        check_versions(shown, releases)
        return releases

    def events(self, folder):
        """The events of one folder, in the order of their first release; new ones last."""
        folder = Path(folder)
        context, events = folder.name, []
        releases = [release for release in self.releases() if release.context == context]
        for path in sorted(folder.glob("*.avsc")):
            shown = self.shown(path)
            record, schema = parse(shown, read(path, shown))
            if record.full_name != f"sijang.{context}.{record.name}":
                raise SchemaError(shown, "", f"its namespace must be sijang.{context}")
            if path.stem != snake(record.name):
                raise SchemaError(shown, "", f"the file must be called {snake(record.name)}.avsc")
            mine = [release for release in releases if release.name == record.name]
            events.append(Event(shown, record, schema, mine))
        current = {event.record.name for event in events}
        for release in releases:
            if release.name not in current:
                path = self.shown(folder / f"{snake(release.name)}.avsc")
                raise SchemaError(path, "", f"{release.name} is released: it may never be removed")
        last = PLATFORM_ID_MAX + len(releases) + 10**9
        events.sort(key=lambda event: event.releases[0].schema_id if event.releases else last)
        return events


def read(path, shown):
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SchemaError(shown, "", f"cannot be read: {error.strerror}") from error


def check_versions(shown, releases):
    last = {}
    for release in releases:
        key = (release.context, release.name)
        if release.version != last.get(key, 0) + 1:
            raise SchemaError(shown, "", f"versions of {release.name} do not count up from 1")
        last[key] = release.version


def check_compatible(event):
    for release in event.releases:
        breaks = list(record_breaks(release.record, event.record))
        breaks = breaks or list(
            default_breaks(release.record, event.releases[-1].record, event.record)
        )
        for field, rule in breaks:
            raise SchemaError(
                event.path, field, f"{rule} (version {release.version}, id {release.schema_id})"
            )


def check_released(event):
    check_compatible(event)
    if not event.releases:
        raise SchemaError(event.path, "", f"is not released yet: run {RELEASE_COMMAND}")
    if not event.is_released:
        version = event.releases[-1].version
        raise SchemaError(
            event.path, "", f"differs from its release, version {version}: run {RELEASE_COMMAND}"
        )


def next_id(releases, context):
    ids = [release.schema_id for release in releases]
    if context == PLATFORM:
        return max([known for known in ids if known <= PLATFORM_ID_MAX], default=0) + 1
    return max(ids + [PLATFORM_ID_MAX + 1]) + 1


def write_index(tree, releases):
    lines = [
        json.dumps(
            {"id": one.schema_id, "context": one.context, "name": one.name, "version": one.version}
        )
        for one in sorted(releases, key=lambda one: one.schema_id)
    ]
    tree.index.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n", "utf-8")


def release(tree):
    """An id for every schema that differs from its last release; all or none. The new releases."""
    tree.released.mkdir(exist_ok=True)
    releases, new = tree.releases(), []
    for context in [PLATFORM, *tree.contexts()]:
        for event in tree.events(tree.folder(context)):
            check_compatible(event)
            if event.is_released:
                continue
            made = Release(
                next_id(releases + new, context),
                context,
                event.record.name,
                len(event.releases) + 1,
                event.record,
                event.schema,
            )
            new.append(made)
    for made in new:
        source = tree.folder(made.context) / f"{snake(made.name)}.avsc"
        (tree.released / f"{made.schema_id}.avsc").write_bytes(source.read_bytes())
    if new:
        write_index(tree, releases + new)
    return new
