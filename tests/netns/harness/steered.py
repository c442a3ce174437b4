"""What the kernel programs of a node counted, and whether datagrams went their way."""

import json

from harness.wait import until

# Left to the stack, and carried by sockets.
LEFT = ("fragment", "ip_options", "over_mtu", "no_next_hop")
ON_TC = ("edge_tc", "hub_tc")  # they leave tunnel sessions to sockets
UNTIL_KNOWN = 3  # datagrams that may go by sockets while a node learns of a neighbour's address
ONE_FRAME = 1300  # bytes of payload that fit a frame on any way of the topology
STEERED_BY_FIRST = 104  # where pst_counters has PST_R_STEERED of its first program, edge_xdp


def packets(node):
    """{(program, reason): packets} since the node's maps were made."""
    return {(row["program"], row["reason"]): row["packets"] for row in node.look("packets")["packets"]}


def counted(node, program, reason):
    return packets(node).get((program, reason), 0)


def await_packets(node, program, reason, at_least=1):
    until(lambda: counted(node, program, reason) >= at_least, f"{at_least} x {reason} by {program} at {node.name}")


def pinned(world, node, name):
    """{key: value} of a map that the node pinned, from the kernel: the node may stand still. Only root can read it."""
    folder = next(node.pins.glob("*/v*"))
    done = world.processes.run(["bpftool", "-j", "map", "dump", "pinned", folder / name])
    entries = (entry.get("formatted", entry) for entry in json.loads(done.stdout))
    return {entry["key"]: entry.get("value", entry.get("values")) for entry in entries}


def steered_so_far(world, edge):
    """Frames that edge_xdp handed on, of an edge that may stand still."""
    return sum(of["value"]["packets"] for of in pinned(world, edge, "pst_counters")[STEERED_BY_FIRST])


def by_kernel(node):
    """Whether the node is steered by the kernel now."""
    return node.status()["steering"]["mode"] == "kernel"


def problems_of_steering(node):
    """Sentences on a living node that is steered by the kernel and whose datagrams went by sockets all the same."""
    if node.process is None or node.process.popen.poll() is not None or not by_kernel(node):
        return []
    counts = packets(node)
    edge = "edge" in node.config
    problems = []
    inward = ("client_to_tunnel", "edge_xdp") if edge else ("backend_to_tunnel", "steer_in_xdp")
    left = sum(counts.get((inward[1], reason), 0) for reason in LEFT)
    left += sum(counts.get((program, reason), 0) for program in ON_TC for reason in (*LEFT, "to_socket"))
    if sum_of(node, inward[0], "sent") > sessions_opened(node) + left and not steered(counts, inward[1]):
        problems.append(f"{inward[1]} steered nothing at {node.name}: {counts}")
    outward = "tunnel_to_client" if edge else "tunnel_to_backend"
    sent = sum_of(node, outward, "sent")
    short = sum(row["bytes"]["sent"] for row in node.ledger() if row["hop"] == outward) < sent * ONE_FRAME
    if short and sent > sessions_opened(node) + UNTIL_KNOWN and not steered(counts, "steer_out_xdp"):
        problems.append(f"steer_out_xdp steered nothing at {node.name}: {counts}")
    return problems


def steered(counts, program):
    """Packets that a program carried on, of packets(); to a backend on this host as well."""
    return sum(count for (by, reason), count in counts.items()
               if by == program and reason in ("steered", "delivered", "forwarded"))


def sum_of(node, hop, what):
    """Datagrams of all services in that column of the ledger."""
    return sum(row[what] for row in node.ledger() if row["hop"] == hop)


def sessions_opened(node):
    """Since its start. The first datagram of each goes by sockets: nothing knows its path, or the next hop, yet."""
    lines = node.ctl("metrics").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("penstock_sessions_total "))
