"""A wire between two namespaces whose ends are tun devices: packets begin with the IP header, as on WireGuard."""

import fcntl
import os
import select
import struct
import threading

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


class TunWire:
    """Carries packets until close(); the devices go with it."""

    def __init__(self, device, *namespaces):
        self._ends = [self._open(device, namespace) for namespace in namespaces]
        self._ended, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(device, namespace):
        with namespace.enter():
            end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
        namespace.ip("link", "set", device, "mtu", "1420", "up")
        return end

    def _carry(self):
        across = dict(zip(self._ends, reversed(self._ends)))
        while True:
            ready, _, _ = select.select([*self._ends, self._ended], [], [])
            if self._ended in ready:
                return
            for end in ready:
                os.write(across[end], os.read(end, 65536))

    def close(self):
        os.write(self._stop, b".")
        self._thread.join()
        for end in (*self._ends, self._ended, self._stop):
            os.close(end)
