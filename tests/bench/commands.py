"""The write side: commands over HTTP, alone and at full speed, on one aggregate and on many."""

from report import Row, at_least, at_most, ms, number, speed
from tools import fresh_key, http_load, median_run, wrk

RUNS, RUN_S = 3, 8
HOT_S = 5
BODY = ('{"title":"Barley tea, cold","description":"Roasted this morning, half a litre.",'
        '"price":3000,"stock":0}')
OPEN_SHARE = 0.7
OPEN_CONNECTIONS = 256
SCARCE = 2000


def metered(ground, run):
    with ground.cpu() as meter:
        figures = run()
    return {**figures, "cpu": meter.shares, "threads": meter.threads, "cpu_line": meter.line()}


def _in_turns(*runs):
    """The median of each; they take turns, so that all see the same machine."""
    done = [[run() for run in runs] for _ in range(RUNS)]
    return [{**median_run(each), "rates": [round(one["rate"]) for one in each]}
            for each in zip(*done)]


def speed_of(figures):
    failed = figures["refused"] + figures["broken"] + figures["timeouts"]
    return speed(figures) + (f", {number(failed)} NOT ACCEPTED" if failed else "")


def _alone(ground):
    """One connection, the next command after the answer: what a single caller feels."""
    figures = metered(ground, lambda: http_load(
        ground.address("command-svc"), "/v1/products", ground.token, RUN_S, method="POST",
        body=BODY, key=fresh_key()))
    ground.listed += figures["status"]["2xx"]
    raw = ground.raw(1)
    ratio = figures["p50_us"] / max(raw["p50_us"], 1)
    return Row(
        "one command at a time", f"p50 {ms(figures['p50_us'])} p99 {ms(figures['p99_us'])} ms",
        f"raw produce p50 {ms(raw['p50_us'])} ms", ratio,
        [at_most(figures["p50_us"], 500, "p50 ≤ 0.5 ms"),
         at_most(figures["p99_us"], 2000, "p99 ≤ 2 ms"), at_most(ratio, 4, "≤ 4 x raw")],
        {**figures, "raw": raw})


def _create(ground, connections, at="command-svc"):
    """A run, not yet begun."""
    return lambda: metered(ground, lambda: ground.list_products({}, connections, RUN_S, at))


def _straight_row(connections, figures, raw, limits):
    rate_min, p99_ms_max, share = limits
    ratio = figures["rate"] / raw["rate"]
    return Row(
        f"create, {connections} connections, straight", speed_of(figures),
        f"raw produce {number(raw['rate'])}/s", ratio,
        [at_least(figures["rate"], rate_min, f"≥ {number(rate_min)}/s"),
         at_most(figures["p99_us"], p99_ms_max * 1000, f"p99 ≤ {p99_ms_max} ms"),
         at_least(ratio, share, f"≥ {share} x raw")],
        {**figures, "raw": raw})


def _gateway_row(figures, straight):
    ratio = figures["rate"] / straight["rate"]
    return Row(
        "create, 64 connections, through the gateway", speed_of(figures),
        f"straight {number(straight['rate'])}/s", ratio,
        [at_least(figures["rate"], 15000, "≥ 15,000/s"),
         at_most(figures["p99_us"], 15000, "p99 ≤ 15 ms"),
         at_least(ratio, 0.6, "≥ 0.6 x straight")],
        figures)


def _creates(ground):
    straight, raw, gateway = _in_turns(
        _create(ground, 64), lambda: ground.raw(64), _create(ground, 64, "gateway"))
    ground.peak["create64"] = straight["rate"]
    yield _straight_row(64, straight, raw, (30000, 10, 0.4))
    yield _gateway_row(gateway, straight)
    many, raw = _in_turns(_create(ground, 256), lambda: ground.raw(256))
    yield _straight_row(256, many, raw, (40000, 15, 0.15))


def _at_constant_rate(ground):
    """Arrivals do not wait for answers: the percentiles that callers would see."""
    rate = OPEN_SHARE * ground.peak["create64"]
    figures = metered(ground, lambda: http_load(
        ground.address("command-svc"), "/v1/products", ground.token, RUN_S, method="POST",
        body=BODY, key=fresh_key(), rate=rate, connections=OPEN_CONNECTIONS))
    ground.listed += figures["status"]["2xx"]
    lost = figures["unanswered"] + figures["broken"] + figures["status"]["5xx"]
    return Row(
        f"create, open loop at {OPEN_SHARE:.0%} of the peak",
        f"{number(figures['rate'])}/s, p50 {ms(figures['p50_us'])} p99 {ms(figures['p99_us'])}"
        f" p99.9 {ms(figures['p99_9_us'])} ms" + (f", {number(lost)} LOST" if lost else ""),
        f"wanted {number(rate)}/s", figures["rate"] / rate, [],
        figures)


def _simple(ground, what, run):
    figures = metered(ground, run)
    return Row(what, speed_of(figures), "", None, [], figures)


def commands(ground):
    """The write side without the projector, which would take its share of the processors."""
    ground.ensure_products(1000)
    ground.projector(False)
    yield _alone(ground)
    yield from _creates(ground)
    yield _at_constant_rate(ground)
    for at in ("command-svc", "gateway"):
        yield _simple(ground, f"change (adjust stock), 64 connections, {at}", lambda: wrk(
            "adjust_stock", f"http://{ground.address(at)}", ground.token, 64, RUN_S,
            ids=ground.ids_path))
    yield _simple(ground, "create with stock (2 events a commit), 64 connections",
                  lambda: ground.list_products({"stock": 100}, 64, RUN_S))


def _live_row(ground, what, run):
    """Through the gateway with everything running, and how far the views are behind at the end."""
    ground.projector(True)
    figures = metered(ground, run)
    behind = ground.events_behind()
    caught_up_s = ground.catch_up()
    after = "more than 120" if caught_up_s is None else f"{caught_up_s:.1f}"
    return Row(
        f"{what}, 64 connections, gateway and live projection", speed_of(figures),
        f"{number(behind)} events behind at the end, {after} s to catch up", None,
        [at_least(figures["rate"], 15000, "≥ 15,000/s"),
         at_most(figures["p99_us"], 15000, "p99 ≤ 15 ms"),
         ("behind ≤ 1 s of load", behind <= figures["rate"])],
        {**figures, "events_behind": behind, "catch_up_s": caught_up_s})


def live(ground):
    """Full command load with everything running: does the projector keep up?"""
    ground.ensure_products(1000)
    row = _live_row(ground, "create", lambda: ground.list_products({}, 64, RUN_S, "gateway"))
    ground.peak["live"] = row.figures["rate"]
    yield row
    yield _live_row(ground, "change (adjust stock)", lambda: wrk(
        "adjust_stock", f"http://{ground.address('gateway')}", ground.token, 64, RUN_S,
        ids=ground.ids_path))


def hot(ground):
    """One aggregate, 64 callers: many reservations of it, and a scarce one for which they race."""
    ground.ensure_products(1000)
    ground.projector(True)
    url = f"http://{ground.address('command-svc')}"
    scarce = ground.create_product(SCARCE)
    race = wrk("reserve_stock", url, ground.token, 64, 2, id=scarce)
    ground.projector(True)
    reserved = ground.query(f"SELECT reserved FROM product_detail WHERE product_id = '{scarce}'")
    ground.projector(False)
    product = ground.create_product(1000000000)
    figures, = _in_turns(lambda: metered(ground, lambda: wrk(
        "reserve_stock", url, ground.token, 64, HOT_S, id=product)))
    taken = int(reserved[0][0])
    yield Row(
        "one hot product, 64 connections, reservations", speed_of(figures),
        f"stock {SCARCE}: {number(race['answered'])} tried, {number(taken)} reserved", None,
        [at_least(figures["rate"], 20000, "≥ 20,000/s"),
         ("never oversold", taken == SCARCE and race["accepted"] <= SCARCE)],
        {**figures, "race": race, "race_reserved": taken})
