"""The clients' record against the log: every acceptance is there once, refusals are not, both were
true at a moment between question and answer."""

NAMES = {"ProductListed": "title", "StockAdjusted": "reason", "StockReserved": "reservation_id"}


def check(promises, ledger):
    """Every 2xx is in the log exactly once, at its version; no definite refusal is in it; what was
    answered before something was asked comes before it; `stock_short` was so."""
    named = _by_name(ledger)
    for promise in promises:
        _check_one(promise, named.get(promise.key, []))
    streams = {}
    for promise in promises:
        if promise.product_id is not None and promise.answered_s is not None:
            streams.setdefault(promise.product_id, []).append(promise)
    for product, answered in streams.items():
        accepted = [each for each in answered if each.version is not None]
        _check_order(accepted)
        available = _available(ledger.streams[product])
        for promise in answered:
            if promise.code == "stock_short" and promise.kind == "reserve":
                _check_shortage(promise, accepted, available)


def _by_name(ledger):
    named = {}
    for event in ledger.events:
        name = event.body.get(NAMES[event.type]) if event.type in NAMES else None
        if name is not None and name != "listed":
            named.setdefault(name, []).append(event)
    return named


def _check_one(promise, found):
    if promise.version is not None:
        assert len(found) == 1, f"{promise.kind} {promise.key} is in the log {len(found)} times"
        assert found[0].subject == promise.product_id
        if promise.kind != "list":
            assert found[0].version == promise.version
    elif promise.status is not None and not promise.unsure:
        assert not found, f"refused with {promise.status}, and in the log: {found}"
    else:
        assert len(found) <= 1, f"unanswered {promise.key} is doubled"


def _check_order(accepted):
    """A later version was not answered before an earlier one was asked."""
    first_answer = None
    for promise in sorted(accepted, key=lambda each: each.version, reverse=True):
        if first_answer is not None and first_answer.answered_s < promise.asked_s:
            raise AssertionError(f"version {first_answer.version} of {promise.product_id} was "
                                 f"answered before version {promise.version} was asked")
        if first_answer is None or promise.answered_s < first_answer.answered_s:
            first_answer = promise


def _available(stream):
    """By version; index 0 is before the first event."""
    on_hand, reserved, states = 0, 0, [0]
    for event in stream:
        if event.type == "StockAdjusted":
            on_hand += event.body["delta"]
        elif event.type == "StockReserved":
            reserved += event.body["quantity"]
        states.append(on_hand - reserved)
    return states


def _check_shortage(refused, accepted, available):
    """In some state that the log had between question and answer."""
    known = [each.version for each in accepted if each.answered_s < refused.asked_s]
    later = [each.version for each in accepted if each.asked_s > refused.answered_s]
    first, last = max(known, default=0), min(later, default=len(available)) - 1
    possible = available[first:last + 1]
    assert any(state < refused.quantity for state in possible), (
        f"{refused.quantity} of {refused.product_id} were refused as short; there were {possible}"
        f" in versions {first} to {last}")
