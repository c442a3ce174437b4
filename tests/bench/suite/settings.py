"""How long, how often and how much: decided once, written down with the results."""

import dataclasses
import resource

CIPHER = "TLS_AES_128_GCM_SHA256"
CIPHERS = {"tls": CIPHER, "quic": "AES-128-GCM"}  # as each library calls it
LOAD_FLOWS = 50      # bulk flows beside which a ping is measured
MANY_FLOWS = 100     # of the throughput with many flows
SPARE_FLOWS = 100    # beyond the idle ones
DATAGRAM_SIZES = (60, 400, 1200)
MIXED = "mixed"  # of all sizes up to the largest of those
FEW_SESSIONS, MANY_SESSIONS = 1, 10_000
WINDOWS = {FEW_SESSIONS: 64, MANY_SESSIONS: 512}  # datagrams under way: 64 of 1200 bytes fit a socket's default buffer
LINGERING = 2  # rounds whose sessions a node may hold: those of the last end at one node before the other
MOST_SESSIONS = 1_000_000
SPARE_DESCRIPTORS = 300


@dataclasses.dataclass(frozen=True)
class Settings:
    measures: list
    rounds: int
    seconds: int
    idle_flows: int
    descriptors: int  # that a process may have
    congestion: str   # TCP's congestion control inside the namespaces
    sessions: int = 1  # of UDP, held for the memory
    wires: bool = False  # links behave like real ones towards kernel programs

    @property
    def unreplied(self):
        """Seconds after which a session that was made and not used is over: none may end before the last is made."""
        return 20 + self.sessions // 8_000

    @property
    def session_limit(self):
        """What the proxies are told to accept at once."""
        return max(self.sessions, LINGERING * MANY_SESSIONS) + SPARE_FLOWS

    @property
    def flow_limit(self):
        """What the proxies are told to accept at once."""
        return self.idle_flows + SPARE_FLOWS


def of(arguments, all_measures, wires=False):
    """The settings that the command line asks for."""
    descriptors = raise_descriptors()
    chosen = Settings(
        measures=[name for name in all_measures if name in (arguments.only or all_measures)],
        rounds=_given(arguments.rounds, 1 if arguments.quick else 3),
        seconds=_given(arguments.seconds, 1 if arguments.quick else 5),
        idle_flows=_given(arguments.idle_flows, 1000 if arguments.quick else 10_000),
        descriptors=descriptors,
        congestion=arguments.congestion,
        sessions=_given(arguments.sessions, 10_000 if arguments.quick else 200_000),
        wires=wires)
    if not 1 <= chosen.sessions <= MOST_SESSIONS:
        raise ValueError(f"--sessions is 1 to {MOST_SESSIONS}")
    if min(chosen.rounds, chosen.seconds, chosen.idle_flows) < 1:
        raise ValueError("--rounds, --seconds and --idle-flows are at least 1")
    fits = (descriptors - SPARE_DESCRIPTORS) // 2 - SPARE_FLOWS  # a proxy needs two for each flow
    if fits < 1:
        raise ValueError(f"{descriptors} open files a process are too few: raise ulimit -n")
    if chosen.idle_flows > fits:
        print(f"note: {descriptors} open files a process allow {fits} idle flows, not {chosen.idle_flows}", flush=True)
        chosen = dataclasses.replace(chosen, idle_flows=fits)
    return chosen


def _given(value, default):
    return default if value is None else value


def raise_descriptors(wanted=65536):
    """Raises our limit, which our children inherit, as far as we may; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(wanted, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError):
            continue  # a limit above `hard` needs a capability that root may lack
    return hard
