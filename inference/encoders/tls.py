"""How a client of Triton knows the server, and the server it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TritonTls:
    """Whom to trust as Triton, and our own certificate where it asks for one; all files are PEM."""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None

    def options(self) -> dict[str, object]:
        """What tritonclient takes."""
        files = {
            "root_certificates": self.ca_file,
            "certificate_chain": self.cert_file,
            "private_key": self.key_file,
        }
        return {"ssl": True, **{name: str(file) for name, file in files.items() if file is not None}}
