"""The arithmetic between raw numbers and the table."""

import json
import pathlib
import tempfile
import unittest

from suite import report
from suite.settings import Settings

MACHINE = {"processor": "P", "cores": 2, "system": "S", "kernel": "K", "commit": "c", "time": "T",
           "versions": {"haproxy": "2.6"}}
SETTINGS = Settings(measures=["rate"], rounds=3, seconds=5, idle_flows=100, descriptors=1024,
                    congestion="cubic")


def result(peer, number, failures=(), **metrics):
    return {"round": number, "measure": "rate", "peer": peer, "machine_load": 0.25, "failures": list(failures),
            "metrics": {name.replace("__", "."): value for name, value in metrics.items()}, "raw": {}}


def outcome(results):
    return report.Outcome(MACHINE, SETTINGS, ["redirect", "haproxy", "nginx", "penstock", "kernel"], results)


ROUNDS = [result("haproxy", 1, rate__1=700), result("penstock", 1, rate__1=5000),
          result("haproxy", 2, rate__1=800), result("penstock", 2, rate__1=1000),
          result("haproxy", 3, rate__1=900), result("penstock", 3, rate__1=6000)]


class ReportTest(unittest.TestCase):
    def test_median_and_ratio(self):
        found = outcome(ROUNDS).summary["rate.1"]
        self.assertEqual(found["haproxy"], {"median": 800, "least": 700, "most": 900, "values": [700, 800, 900]})
        self.assertEqual(found["ratio"], 5000 / 800)

    def test_no_ratio_without_both(self):
        self.assertNotIn("ratio", outcome(ROUNDS[:1]).summary["rate.1"])
        self.assertNotIn("ratio", outcome([result("haproxy", 1, rate__1=0), ROUNDS[1]]).summary["rate.1"])

    def test_ratio_to_whichever_other_proxy_can_do_it(self):
        found = outcome([result("nginx", 1, datagrams__1__60=200), result("penstock", 1, datagrams__1__60=100)])
        self.assertEqual(found.summary["datagrams.1.60"]["ratio"], 0.5)
        self.assertIn("| measure | unit | better | nginx | penstock | penstock / nginx |", found.table())
        self.assertIn("| datagrams there and back, 60 bytes, 1 session | 1/s | more | 200 | 100 | 0.50 |", found.table())

    def test_ratio_of_steering(self):
        found = outcome([result("nginx", 1, datagrams__run__1__mixed=8), result("penstock", 1, datagrams__run__1__mixed=10),
                         result("kernel", 1, datagrams__run__1__mixed=5, maps__total=3 << 20)])
        self.assertEqual(found.summary["datagrams.run.1.mixed"]["ratio"], 1.25)
        self.assertEqual(found.summary["datagrams.run.1.mixed"]["steered_ratio"], 0.5)
        table = found.table()
        self.assertIn("| nginx | penstock | kernel | penstock / nginx | kernel / penstock | kernel / nginx |", table)
        self.assertIn(" | µs | less | 8.00 | 10.0 | 5.00 | 1.25 | 0.50 | 0.62 |", table)
        self.assertIn("| MiB | less |  |  | 3.00 |  |  |  |", table)

    def test_ratio_to_a_bare_connection(self):
        found = report.Outcome(MACHINE, SETTINGS, ["loop", "quic"],
                               [result("loop", 1, processor__up__100=2), result("quic", 1, processor__up__100=3)])
        self.assertEqual(found.summary["processor.up.100"]["quic_floor"], 1.5)
        self.assertIn("| loop | quic | quic / loop |", found.table())

    def test_ratio_to_the_floor(self):
        found = outcome([result("redirect", 1, forward__plain__hot=1000), result("kernel", 1, forward__plain__hot=700)])
        self.assertEqual(found.summary["forward.plain.hot"]["steered_floor"], 0.7)
        self.assertIn("| measure | unit | better | redirect | kernel | kernel / redirect |", found.table())

    def test_table_shows_units_and_leaves_out_what_was_not_measured(self):
        table = outcome(ROUNDS + [result("haproxy", 3, latency__idle__p50=1234.5)]).table()
        self.assertIn("| new flows, one after the other | 1/s | more | 800 | 5000 | 6.25 |", table)
        self.assertIn("| echo p50 idle | ms | less | 1.23 |  |  |", table)
        self.assertNotIn("throughput", table)

    def test_failures_are_told(self):
        broken = outcome(ROUNDS + [result("penstock", 3, failures=["rate.16: 2 failed"])])
        self.assertEqual(broken.failures(), ["round 3, rate of penstock: rate.16: 2 failed"])
        self.assertIn("FAILED round 3, rate of penstock: rate.16: 2 failed", broken.table())

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            outcome(ROUNDS).write(pathlib.Path(folder, "new"))
            everything = json.loads(pathlib.Path(folder, "new/results.json").read_text())
            self.assertEqual(len(everything["results"]), 6)
            self.assertEqual(everything["settings"]["seconds"], 5)
            self.assertIn("6.25", pathlib.Path(folder, "new/table.md").read_text())


if __name__ == "__main__":
    unittest.main()
