"""What is run in each guest: one line a case."""

import dataclasses

from guest.kernel import VERSIONS

ALL = VERSIONS


@dataclasses.dataclass
class Case:
    name: str
    kernels: tuple  # those in whose guests it runs
    timeout: int    # seconds, without the boot
    command: str    # words; {kernel}, {build} and {peers} stand for the version and for folders

    def words(self, **values):
        return [word.format(**values) for word in self.command.split()]


CASES = [
    Case("kernel_features", ALL, 120, "tests/vm/cases/kernel_features {kernel}"),
    Case("bpf_programs", ALL, 600, "tests/vm/cases/bpf_programs {build}"),
    Case("wireguard", ALL, 300, "tests/vm/cases/wireguard {build} {peers}"),
    Case("netns_identity", ALL, 300,
         "tests/netns/run --patience 4 --daemon-dir {build} --peers {peers} --only identity.nginx_sees_the_client"),
    Case("netns_steering", ALL, 400,
         "tests/netns/run --patience 4 --daemon-dir {build} --peers {peers} --steering kernel"
         " --only udp_identity.a_header_in_every --only udp_sessions.every_size_comes_back_over_ipv4"),
    Case("netns_others", ALL, 400,
         "tests/netns/run --patience 4 --daemon-dir {build} --peers {peers} --guest --only kernel_dispatcher."
         " --only lossy_links."),
]
