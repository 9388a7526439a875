"""The OpenAPI document of the web door, as text: `python -m web.openapi` writes docs/openapi.json."""

import json
from pathlib import Path
from typing import Final, cast

from web.app import make_routes
from web.openapi_config import finished
from web.parts import Parts

FILE: Final = Path(__file__).parents[1] / "docs" / "openapi.json"


def document() -> str:
    """The document; the same for the same routes."""
    # Handlers ask for the parts with each request, and there is none.
    schema = make_routes(cast(Parts, None)).openapi_schema.to_schema()
    return json.dumps(finished(schema), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(document())
