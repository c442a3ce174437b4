"""Programs that somebody else has on an interface, for XDP and TC: they pass everything."""

from harness.wait import expect

SOURCE = """
__attribute__((section("xdp"), used)) int harmless(void *context) { return 2; }
__attribute__((section("classifier"), used)) int harmless_filter(void *context) { return -1; }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def attach_harmless_program(world, namespace, device, mode="xdpgeneric"):
    """As an operator would attach it; `mode` may be "xdpdrv"."""
    source, made = world.directory / "harmless.c", world.directory / "harmless.o"
    source.write_text(SOURCE)
    done = world.processes.run(["clang", "-O2", "-g", "-target", "bpf", "-c", source, "-o", made])
    expect(done.returncode == 0, f"clang: {done.stderr}")
    namespace.ip("link", "set", "dev", device, mode, "object", str(made), "section", "xdp")
