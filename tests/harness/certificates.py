"""Certificates for one test, by an authority that nobody else trusts."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, each as a file in PEM, and both in one as Kafka wants them."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """Signs what it is asked to sign; `ca` is the file to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA(key_type=trustme.KeyType.RSA)
        self.ca = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *places: str) -> Certificate:
        """A certificate of the common name `name` for hosts and addresses."""
        made = self._ca.issue_cert(*(places or (name,)), common_name=name, key_type=trustme.KeyType.RSA)
        # Java reads keys in PKCS #8 alone.
        key = load_pem_private_key(made.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        cert = b"".join(part.bytes() for part in made.cert_chain_pems)
        files = Certificate(*(self._folder / f"{name}{suffix}" for suffix in (".pem", ".key", "-both.pem")))
        for file, content in ((files.cert, cert), (files.key, key), (files.both, key + cert)):
            file.write_bytes(content)
        return files
