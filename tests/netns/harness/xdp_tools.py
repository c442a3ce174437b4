"""Programs that others have on an interface, put there by their own tools into libxdp's dispatcher."""

import os
import pathlib
import re

from harness.wait import expect

DEVICE = "client"  # of the edge: its public interface
FILTER, ANOTHER = "xdpfilt_alw_udp", "xsk_def_prog"  # priorities 10 and 20
OBJECTS = pathlib.Path("/usr/lib/x86_64-linux-gnu/bpf")  # those that libxdp brings
ROW = re.compile(r"=>\s+(\d+)\s+(\S+)\s+(\d+)\s+[0-9a-f]{16}")

SLOT = """
__attribute__((noinline)) int prog%d(struct xdp_md *ctx) {
  volatile int verdict = XDP_DISPATCHER_RETVAL;
  if (!ctx) return XDP_ABORTED;
  bpf_xdp_adjust_tail(ctx, 0);
  return verdict;
}
"""
STEP = """
  if (conf.num_progs_enabled <= %d) return XDP_PASS;
  verdict = prog%d(ctx);
  if (!((1U << verdict) & conf.chain_call_actions[%d])) return verdict;
"""
DISPATCHER = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/prog_dispatcher.h>
static volatile const struct xdp_dispatcher_config conf = {};
%s
SEC("xdp") int xdp_dispatcher(struct xdp_md *ctx) {
  int verdict;
  %s
  return XDP_PASS;
}
SEC("xdp") int xdp_pass(struct xdp_md *ctx) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
__uint(dispatcher_version, XDP_DISPATCHER_VERSION) SEC(XDP_METADATA_SECTION);
"""


def refuses_changes():
    """Whether this kernel lets no program that changes packets into the dispatcher of Debian 12's libxdp."""
    version = tuple(int(number) for number in os.uname().release.split("-")[0].split("+")[0].split(".")[:2])
    return version >= (6, 12)


class XdpTools:
    """xdp-filter and xdp-loader in the edge's namespace; `environment` is theirs, and for whoever uses libxdp."""

    def __init__(self, world):
        self._world = world
        self.environment = {}

    def use_newer_dispatcher(self):
        """One as libxdp has it since 1.5.5, from now on."""
        folder = self._world.directory / "objects"
        folder.mkdir()
        for path in OBJECTS.glob("xdpfilt_*.o"):
            (folder / path.name).symlink_to(path)
        source = folder / "dispatcher.c"
        slots = range(10)
        source.write_text(DISPATCHER % ("".join(SLOT % n for n in slots), "".join(STEP % (n, n, n) for n in slots)))
        done = self._world.processes.run(["clang", "-O2", "-g", "-target", "bpf", "-idirafter",
                                          "/usr/include/x86_64-linux-gnu", "-c", source,
                                          "-o", folder / "xdp-dispatcher.o"])
        expect(done.returncode == 0, f"clang: {done.stderr}")
        self.environment = {"LIBXDP_OBJECT_PATH": str(folder)}

    def _done(self, name, *arguments):
        program, environment = self._world.programs.peer(name)
        return self._world.processes.run([program, *arguments], self._world.edge,
                                         environment={**environment, **self.environment})

    def _run(self, name, *arguments):
        done = self._done(name, *arguments)
        expect(done.returncode == 0, f"{name} {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}")
        return done.stdout

    def load_filter(self):
        self._run("xdp-filter", "load", DEVICE, "--features", "udp", "--mode", "native")

    def block_port(self, port):
        self._run("xdp-filter", "port", port, "--proto", "udp", "--mode", "dst")

    def passed(self):
        """Packets that the filter let through. (Its "status" shows them, and ends with an error all the same.)"""
        said = self._done("xdp-filter", "status").stdout
        found = re.search(r"XDP_PASS\s+([\d,]+) pkts", said)
        expect(found, f"xdp-filter tells what it passed: {said}")
        return int(found[1].replace(",", ""))

    def load_another(self):
        """ANOTHER, which passes everything while no socket asks it for packets."""
        self._run("xdp-loader", "load", DEVICE, OBJECTS / "xsk_def_xdp_prog.o", "--section", "xdp", "--mode", "native")

    def unload(self, name):
        number = next(number for _, other, number in self.programs() if other == name)
        self._run("xdp-loader", "unload", DEVICE, "--id", number)

    def programs(self):
        """[(priority, name, id)] of what runs in the dispatcher, in its order; nothing without a dispatcher."""
        rows = ROW.findall(self._run("xdp-loader", "status", DEVICE))
        return [(int(priority), name, int(number)) for priority, name, number in rows]
