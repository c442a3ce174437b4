"""The hub's key and certificate for a peer that needs files: P-256, as our own hub's."""

from harness.wait import expect


def make(world):
    """(certificate, certificate and key in one file); the name in it is "hub"."""
    key, certificate, both = (world.directory / f"haproxy-{name}.pem" for name in ("key", "certificate", "both"))
    done = world.processes.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=hub", "-addext", "subjectAltName=DNS:hub", "-keyout", key, "-out", certificate])
    expect(done.returncode == 0, f"openssl req: {done.stderr.strip()}")
    both.write_text(certificate.read_text() + key.read_text())
    return certificate, both
