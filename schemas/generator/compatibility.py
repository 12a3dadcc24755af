"""What may change between two releases of an event, so that every reader reads every writer."""

from .schema import Enumeration, Record


def describe(field):
    name = f"{field.type} of {field.of.name}" if field.type == "array" else field.type
    if field.type in ("record", "enum"):
        name = field.of.name
    return f"optional {name}" if field.optional else name


def enum_breaks(place, old, new):
    if old.full_name != new.full_name:
        yield place, f"enum {old.full_name} was renamed to {new.full_name}"
    elif new.symbols[: len(old.symbols)] != old.symbols:
        yield place, f"symbols of {old.name} may only be appended"


def field_breaks(place, old, new):
    if (old.type, old.optional) != (new.type, new.optional):
        yield place, f"its type changed from {describe(old)} to {describe(new)}"
    elif isinstance(old.of, Record):
        if old.of.full_name != new.of.full_name:
            yield place, f"record {old.of.full_name} was renamed to {new.of.full_name}"
        else:
            yield from record_breaks(old.of, new.of, f"{place}.")
    elif isinstance(old.of, Enumeration):
        yield from enum_breaks(place, old.of, new.of)


def record_breaks(old, new, above=""):
    """(field, rule) for each way in which one of the two cannot read what the other wrote."""
    for field in old.fields:
        place, successor = f"{above}{field.name}", new.field(field.name)
        if successor is not None:
            yield from field_breaks(place, field, successor)
        elif not field.has_default:
            yield place, "was removed, and readers of old have no default for it"
    for field in new.fields:
        if old.field(field.name) is None and not field.has_default:
            yield f"{above}{field.name}", "was added without a default"


def default_breaks(old, previous, new, above=""):
    """Old data must go on meaning what it meant: where `old` lacks a field, the default that filled
    it in the release before may not change."""
    for field in new.fields:
        place = f"{above}{field.name}"
        before, written = previous.field(field.name), old.field(field.name)
        if before is None:
            continue
        if written is None and before.has_default and before.default != field.default:
            yield place, "its default changed, and with it the meaning of older events"
        elif written is not None and isinstance(field.of, Record):
            yield from default_breaks(written.of, before.of, field.of, f"{place}.")
