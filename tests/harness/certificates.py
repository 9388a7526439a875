"""Certificates for one test, from an authority of its own."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key as PEM files, and both in one file as Kafka needs them."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """Issues certificates; `ca` is the file for clients to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA(key_type=trustme.KeyType.RSA)
        self.ca = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *hosts: str) -> Certificate:
        """A certificate with the common name `name` for host names and addresses, by default for `name`."""
        issued = self._ca.issue_cert(*(hosts or (name,)), common_name=name, key_type=trustme.KeyType.RSA)
        # Java reads only keys in PKCS #8.
        key = load_pem_private_key(issued.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        cert = b"".join(part.bytes() for part in issued.cert_chain_pems)
        files = Certificate(*(self._folder / f"{name}{suffix}" for suffix in (".pem", ".key", "-both.pem")))
        for file, content in ((files.cert, cert), (files.key, key), (files.both, key + cert)):
            file.write_bytes(content)
        return files
