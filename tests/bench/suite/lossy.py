"""The measure of a long and lossy link between edge and hub: how much of it bulk flows get."""

import json
import os
import secrets
import subprocess

from harness.topology import EDGE_TUNNEL, HUB_TUNNEL, Namespace, ip, remove_namespaces
from harness.wait import expect
from suite.links import BACKEND_NET, CLIENT_NET
from suite.measurement import Measurement

RATE, DELAY, LOSS = 100, 50, 1  # Mbit/s, ms and percent of frames, in each direction
QUEUE = 625_000                 # bytes that wait: as much as the link carries in 50 ms
FLOWS = (1, 20)
LONGER = 3    # than other loads: flows begin slowly
DEVICE = "lossy"


class LossyLink:
    """Within a `with`, all between edge and hub goes by an emulated link; afterwards `report` tells what it did."""

    def __init__(self, world):
        self._world = world
        self._middle = Namespace(f"pst-{os.getpid()}-{secrets.token_hex(3)}-link")
        self.report = {}

    def __enter__(self):
        ip("netns", "add", self._middle.name)
        try:
            for space, end in ((self._world.edge, "left"), (self._world.hub, "right")):
                self._add_end(space, end)
            self._process = self._start()
            self._lead_over()
        except BaseException:
            remove_namespaces([self._middle.name])
            raise
        return self

    def _add_end(self, space, end):
        """Frames are whole, with checksums, and no longer than the link takes."""
        ip("link", "add", DEVICE, "netns", space.name, "type", "veth", "peer", "name", end, "netns", self._middle.name)
        for owner, device in ((space, DEVICE), (self._middle, end)):
            owner.link(device, "up")
            done = self._world.processes.run(
                ["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"], owner)
            expect(done.returncode == 0, f"ethtool: {done.stderr.strip()}")

    def _start(self):
        command = [self._world.programs.linkem, "--left=left", "--right=right", f"--rate={RATE}", f"--delay-ms={DELAY}",
                   f"--loss={LOSS}", f"--queue={QUEUE}"]
        process = self._world.processes.start("linkem", command, self._middle, stdout=subprocess.PIPE)
        expect(process.popen.stdout.readline(), f"linkem: {process.output().strip()}")
        return process

    def _lead_over(self):
        for space, own, other, net in self._ends():
            space.ip("route", "add", f"{other}/32", "dev", DEVICE, "src", own)
            space.ip("route", "replace", net, "via", other, "dev", DEVICE, "onlink")

    def _lead_back(self):
        for space, _, other, net in self._ends():
            space.ip("route", "delete", f"{other}/32", "dev", DEVICE)
            space.ip("route", "replace", net, "via", other)

    def _ends(self):
        """(namespace, its address, that of the other end, what is behind the other end)"""
        return ((self._world.edge, EDGE_TUNNEL, HUB_TUNNEL, BACKEND_NET),
                (self._world.hub, HUB_TUNNEL, EDGE_TUNNEL, CLIENT_NET))

    def __exit__(self, *_):
        try:
            self._lead_back()
            self._process.end()
            self.report = json.loads(self._process.popen.stdout.readline())
        finally:
            self._process.kill()
            remove_namespaces([self._middle.name])


def lossy(bench, peer):
    """Bulk flows in either direction, each in turn, from a fresh start of the peer."""
    found = Measurement()
    peer.stop()
    try:
        with LossyLink(bench.world) as link:
            peer.start()
            for flows in FLOWS:
                for direction in ("up", "down"):
                    _bulk(bench, peer, found, flows, direction)
            peer.stop()
    finally:
        peer.start()
    found.raw["link"] = link.report
    found.failures += _problems_of(link.report)
    return found


def _bulk(bench, peer, found, flows, direction):
    name = f"{direction}.{flows}"
    report = found.keep(name, bench.load.run("bulk", peer.bulk, LONGER * bench.settings.seconds, flows=flows,
                                             direction=direction))
    rate = report[f"mbit_{direction}"]
    found.metrics |= {f"lossy.{name}": rate, f"lossy.share.{name}": 100 * rate / RATE}


def _problems_of(report):
    """What the emulator did that no link would."""
    return [f"the emulated link: {report[name]} {name}" for name in report
            if name.endswith(("_too_long", "_overrun", "_refused")) and report[name] > 0]
