"""Links of the bench beside those of the netns tier; a device is called after its peer."""

from harness.topology import ip

FAR_EDGE, FAR_BACKEND = "203.0.113.1", "203.0.113.2"        # the edge reaches the backend itself
PLAIN_CLIENT, PLAIN_BACKEND = "203.0.113.17", "203.0.113.18"  # nothing in between
CLIENT_NET, TUNNEL_NET, BACKEND_NET = "192.0.2.0/24", "198.51.100.0/24", "10.0.3.0/24"
LINKS = (("edge", FAR_EDGE, "backend", FAR_BACKEND), ("client", PLAIN_CLIENT, "backend", PLAIN_BACKEND))


def add(world, wires):
    """`wires`: as programs want them, see harness.topology."""
    for one, one_address, other, other_address in LINKS:
        spaces = getattr(world, one), getattr(world, other)
        ip("link", "add", other, "netns", spaces[0].name, "type", "veth", "peer", "name", one, "netns", spaces[1].name)
        for space, device, address in ((spaces[0], other, one_address), (spaces[1], one, other_address)):
            space.ip("address", "add", f"{address}/28", "dev", device)
            space.link(device, "up")
            if wires:
                world.processes.run(["ethtool", "-K", device, "tx", "off", "gro", "on"], space)


def mac(namespace, device):
    return namespace.ip("-o", "link", "show", "dev", device).split("link/ether ")[1].split()[0]
