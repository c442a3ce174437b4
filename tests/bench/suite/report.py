"""Medians and ratios of all rounds, as JSON and as a table."""

import dataclasses
import json
import statistics

# metric -> (text, unit, better, divisor), in the order of the table
METRICS = {}


def _metric(name, text, unit, better, divisor=1):
    METRICS[name] = (text, unit, better, divisor)


for _flows in (1, 100):
    for _direction in ("up", "down"):
        _of = f"{_direction}, {_flows} flow{'s' if _flows > 1 else ''}"
        _metric(f"throughput.{_direction}.{_flows}", f"throughput {_of}", "Mbit/s", "more")
        _metric(f"processor.{_direction}.{_flows}", f"CPU of both proxies {_of}", "s/GB", "less")
for _at_once, _how in ((1, "one after the other"), (16, "16 at once")):
    _metric(f"rate.{_at_once}", f"new flows, {_how}", "1/s", "more")
    _metric(f"rate.processor.{_at_once}", f"CPU of both proxies per new flow, {_how}", "µs", "less")
for _flows in (1, 20):
    for _direction in ("up", "down"):
        _of = f"{_direction}, {_flows} flow{'s' if _flows > 1 else ''}"
        _metric(f"lossy.{_direction}.{_flows}", f"through a lossy link {_of}", "Mbit/s", "more")
        _metric(f"lossy.share.{_direction}.{_flows}", "... of the link's rate", "%", "more")
_LOADS = {"idle": "idle",
          "saturated.up": "beside 50 saturated flows up", "saturated.down": "beside 50 saturated flows down",
          "half.up": "beside 50 flows up at half that rate", "half.down": "beside 50 flows down at half that rate"}
for _load, _text in _LOADS.items():
    for _percentile in ("p50", "p99"):
        _metric(f"latency.{_load}.{_percentile}", f"echo {_percentile} {_text}", "ms", "less", 1000)
    if _load != "idle":
        _metric(f"load.{_load}", f"... and those flows' throughput", "Mbit/s", "more" if "saturated" in _load else "")
for _part, _text in (("", "edge and hub"), (".edge", "edge"), (".hub", "hub")):
    for _kind in ("rss", "pss"):
        _metric(f"memory.{_kind}{_part}", f"memory per idle flow, {_kind.upper()}, {_text}", "KiB", "less", 1024)
_metric("memory.kernel", "kernel memory per idle flow, all sockets of the path", "KiB", "less", 1024)
for _sessions in (1, 10_000):
    for _size, _bytes in ((60, "60"), (400, "400"), (1200, "1200"), ("mixed", "16 to 1200")):
        _of = f"{_bytes} bytes, {_sessions:,} session{'s' if _sessions > 1 else ''}"
        _name = f"{_sessions}.{_size}"
        _metric(f"datagrams.{_name}", f"datagrams there and back, {_of}", "1/s", "more")
        _metric(f"datagrams.processor.{_name}", f"CPU of all proxies per datagram there and back, {_of}", "µs", "less")
        for _part in ("edge", "hub"):
            _metric(f"datagrams.processor.{_part}.{_name}", f"... of the {_part}", "µs", "less")
        _metric(f"datagrams.run.{_name}", "... of load, proxies, backend and the kernel's work for them", "µs", "less")
        _metric(f"datagrams.machine.{_name}", "... of the whole machine", "µs", "less")
_metric("sessions.count", "UDP sessions made and held", "", "")
_metric("sessions.rate", "new UDP sessions", "1/s", "more")
_metric("sessions.processor.new", "CPU of all proxies per new UDP session", "µs", "less")
_metric("sessions.processor.end", "CPU of all proxies per held UDP session until its end", "µs", "less")
for _moment, _text in (("held", "per held UDP session"), ("after", "left per UDP session after all ended")):
    for _part, _of in (("", "all proxies"), (".edge", "edge"), (".hub", "hub")):
        for _kind, _named in (("rss", "RSS"), ("pss", "PSS"), ("own", "without maps")):
            _metric(f"sessions.{_moment}.{_kind}{_part}", f"memory {_text}, {_named}, {_of}", "B", "less")
_metric("sessions.kernel", "kernel memory per held UDP session", "B", "less")
_WAYS = {"plain": "", "proxy": ", with a PROXY header in each"}
for _way, _header in _WAYS.items():
    for _kind, _sessions in (("hot", "1,000 sessions"), ("many", "all sessions")):
        _metric(f"forward.{_way}.{_kind}", f"datagrams there and back on one core{_header}, {_sessions}", "1/s", "more")
        _metric(f"forward.processor.{_way}.{_kind}", "... CPU of each", "µs", "less")
for _percentile in ("p50", "p99"):
    _metric(f"roundtrip.{_percentile}", f"round trip of a datagram on one core, {_percentile}", "µs", "less")
for _size, _bytes in ((60, "60"), (400, "400"), (1200, "1200"), ("mixed", "16 to 1200")):
    _metric(f"steering.processor.{_size}", f"CPU of steering a datagram in and out, {_bytes} bytes", "µs", "less")
    _metric(f"steering.returned.{_size}", "... returned of 150,000 a second", "%", "more")
for _size in (100, 1200):
    for _rate, _of in ((25_000, "25,000 a second"), (75_000, "75,000 a second"), ("most", "as many as go")):
        _metric(f"oneway.{_size}.{_rate}", f"datagrams of {_size} bytes one way, all on one core, {_of}", "1/s", "more")
        _metric(f"oneway.arrived.{_size}.{_rate}", "... of those that were sent", "%", "more")
        _metric(f"oneway.processor.{_size}.{_rate}", "... CPU of each", "µs", "less")
        _metric(f"oneway.packed.{_size}.{_rate}", "... in one packet of QUIC", "", "more")
_FLOODS = {"bounded": "a bounded flood", "full": "a flood as fast as one core makes it"}
for _name, _text in _FLOODS.items():
    _metric(f"guard.sent.{_name}", f"datagrams of {_text}, which is blocked", "1/s", "")
    _metric(f"guard.dropped.{_name}", "... dropped by the guard", "1/s", "")
    if _name == "full":  # a bounded one is busy with waiting too
        _metric(f"guard.processor.{_name}", "... CPU of each, made and dropped", "µs", "less")
for _name, _text in (("calm", "without a flood"), *((_name, f"beside {_text}") for _name, _text in _FLOODS.items())):
    _metric(f"guard.delivered.{_name}", f"answered of 10,000 datagrams a second {_text}", "%", "more")
    _metric(f"guard.p99.{_name}", f"... p99 {_text}", "ms", "less", 1000)
for _name, _text in (("calm", "without a flood"), ("flood", "beside ten times as many that are blocked")):
    _metric(f"guard.many.{_name}", f"returned of 100,000 forwarded datagrams a second {_text}", "%", "more")
    _metric(f"guard.many.sent.{_name}", "... and how many both were", "1/s", "")
_metric("maps.total", "memory of an edge's maps for 1,000,000 sessions", "MiB", "less", 1 << 20)
_metric("maps.per_session", "... per session", "B", "less")
for _name in ("pst_paths", "pst_sessions"):
    _metric(f"maps.{_name}", f"... of {_name}", "MiB", "less", 1 << 20)
OURS, OTHERS = "penstock", ("haproxy", "nginx")  # no metric has both of the others
STEERED = "kernel"  # ours with kernel programs before it
OVER_QUIC, STEERED_QUIC = "quic", "kernel-quic"  # ours over QUIC, without kernel programs and with them
QUIC_FLOOR = "loop"  # what a connection of QUIC costs at least
FLOOR = "redirect"  # what no program does with less
RATIOS = (("ratio", OURS, OTHERS), ("steered_ratio", STEERED, (OURS,)), ("steered_other", STEERED, ("nginx",)),
          ("steered_floor", STEERED, (FLOOR,)), ("steered_quic_floor", STEERED_QUIC, (QUIC_FLOOR,)),
          ("quic_floor", OVER_QUIC, (QUIC_FLOOR,)))


class Outcome:
    """All that a run found out."""

    def __init__(self, machine, settings, peers, results):
        self._machine, self._settings, self._results = machine, settings, results
        self.summary = summarize(results)
        seen = {one["peer"] for one in results}
        self._peers = [peer for peer in peers if peer in seen]

    def failures(self):
        return [f"round {one['round']}, {one['measure']} of {one['peer']}: {failure}"
                for one in self._results for failure in one["failures"]]

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        everything = {"machine": self._machine, "settings": dataclasses.asdict(self._settings),
                      "summary": self.summary, "results": self._results}
        (folder / "results.json").write_text(json.dumps(everything, indent=1) + "\n")
        (folder / "table.md").write_text(self.table() + "\n")

    def table(self):
        ratios = {}  # name: what it is of
        for name, one, others in RATIOS:
            known = [peer for peer in others if peer in self._peers]
            if one in self._peers and known:
                ratios[name] = f"{one} / {' or '.join(known)}"
        heads = ["measure", "unit", "better", *self._peers, *ratios.values()]
        lines = [self._heading(), "", _row(heads), _row(["---", "---", "---"] + ["--:"] * (len(heads) - 3))]
        for name, (text, unit, better, divisor) in METRICS.items():
            if name not in self.summary:
                continue
            found = self.summary[name]
            cells = [_number(found[peer]["median"] / divisor) if peer in found else "" for peer in self._peers]
            ratio_cells = [f"{found[name]:.2f}" if name in found else "" for name in ratios]
            lines.append(_row([text, unit, better, *cells, *ratio_cells]))
        lines += [f"\nFAILED {failure}" for failure in self.failures()]
        return "\n".join(lines)

    def _heading(self):
        machine, settings = self._machine, self._settings
        versions = "; ".join(f"{name}: {version}" for name, version in machine["versions"].items())
        busiest = max((one["machine_load"] for one in self._results), default=0)
        return (f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, kernel {machine['kernel']}; "
                f"{versions or 'no proxy'}; commit {machine['commit'] or 'unknown'}. "
                f"Medians of {settings.rounds} rounds of {settings.seconds} s, {settings.idle_flows} idle flows, "
                f"{settings.sessions} UDP sessions, {settings.congestion}, "
                f"{'links like wires, ' if settings.wires else ''}"
                f"{machine['time']}; load average at most {busiest:.1f}.")


def summarize(results):
    """{metric: {peer: {"median", "least", "most", "values"}, name of one of RATIOS: of medians}}"""
    values = {}
    for one in results:
        for metric, value in one["metrics"].items():
            values.setdefault(metric, {}).setdefault(one["peer"], []).append(value)
    return {metric: _with_ratio({peer: _spread(numbers) for peer, numbers in of_peers.items()})
            for metric, of_peers in values.items()}


def _spread(numbers):
    return {"median": statistics.median(numbers), "least": min(numbers), "most": max(numbers), "values": numbers}


def _with_ratio(of_peers):
    found = dict(of_peers)
    for name, one, others in RATIOS:
        for other in others:
            if (ratio := _ratio(of_peers, one, other)) is not None:
                found.setdefault(name, ratio)
    return found


def _ratio(of_peers, one, other):
    if one in of_peers and other in of_peers and of_peers[other]["median"] > 0:
        return of_peers[one]["median"] / of_peers[other]["median"]
    return None


def _number(value):
    """Three significant digits, or all digits before the point."""
    magnitude = abs(value)
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 1 else 3
    return f"{value:.{digits}f}"


def _row(cells):
    return f"| {' | '.join(cells)} |"
