"""The command `sightline web`."""

import typer


def web() -> None:
    """Serve the HTTP API and the page, until it is stopped (docs/http.md)."""
    from cli.web.run import run

    raise typer.Exit(run())
