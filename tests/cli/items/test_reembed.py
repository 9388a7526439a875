"""What is said of vectors that are taken away, and of what comes after an embedding."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import typer

from cli.items import reembed
from streams.reembedding.reembedding import Outcome, Wanting


@pytest.mark.parametrize(
    ("found", "says", "is_none"),
    [
        ((3, 0), "3 vectors of lite@1 taken away\n", False),
        ((3, 2), "3 vectors of lite@1 taken away, 2 kept: these items have no other one\n", False),
        ((0, 0), "0 vectors of lite@1 taken away\n", True),
    ],
)
def test_a_drop_says_what_was_kept_and_that_nothing_has_such_a_vector(
    found: tuple[int, int],
    says: str,
    is_none: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def running(*_: object, **__: object) -> Iterator[None]:
        yield

    async def drop(*_: object) -> tuple[int, int]:
        return found

    monkeypatch.setattr(reembed, "running_system", running)
    monkeypatch.setattr(reembed, "_drop", drop)
    if found[1]:
        with pytest.raises(typer.Exit):
            reembed.drop_vectors("lite@1", as_json=False)
    else:
        reembed.drop_vectors("lite@1", as_json=False)
    said = capsys.readouterr()
    assert (said.out, "no item has a vector of lite@1" in said.err) == (says, is_none)


def test_what_comes_next_names_the_model_and_its_encoder(capsys: pytest.CaptureFixture[str]) -> None:
    reembed._print("lite@2", "visual_encoder_2", 3, Wanting([], []), Outcome())
    assert "SIGHTLINE_ENCODER_VERSION=lite@2 and SIGHTLINE_ENCODER=visual_encoder_2," in capsys.readouterr().err


def test_a_clip_whose_key_frames_are_broken_is_named_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(2, by_one_frame=["film", "old"], broken_frames={"film": "the WEBP file is cut short"})
    reembed._print("lite@2", "visual_encoder_2", 2, Wanting([], []), outcome)
    said = " ".join(capsys.readouterr().out.split())
    assert "2 clips have the vector of one frame" in said
    assert "film, old" in said
    assert "the WEBP file is cut short" in said
