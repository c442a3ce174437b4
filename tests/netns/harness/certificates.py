"""Certificates for hubs, made by openssl."""

from harness.wait import expect


def make_certificates(world):
    """A CA, and a certificate of it for hub.example.test: their paths and the key's."""
    folder = world.directory
    ca, ca_key, key, request, certificate, names = (
        folder / name for name in ("ca.pem", "ca.key", "hub.key", "hub.csr", "hub.pem", "names"))
    names.write_text("subjectAltName=DNS:hub.example.test\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
            ["req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-subj", "/CN=test CA", "-days", "2"],
            ["req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=hub.example.test"],
            ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", certificate,
             "-days", "2", "-extfile", names]):
        done = world.processes.run(["openssl", *command])
        expect(done.returncode == 0, f"openssl {command[0]}: {done.stderr}")
    return ca, certificate, key
