"""A model repository whose encoder answers NaN while a marker file exists."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.lock import locked
from deploy.service import Progress
from deploy.triton_server import TritonServer, newest_version
from features.words.item_words import MODEL as WORDS_MODEL
from streams.settings import Settings

_BROKEN = "broken"
_MODEL = '''"""The encoder; its embeddings are NaN while a file named "broken" exists beside this one."""

from pathlib import Path

import numpy as np
from sound import TritonPythonModel as Sound


class Session:
    def __init__(self, session):
        self.session = session

    def run(self, outputs, inputs):
        embedding, *others = self.session.run(outputs, inputs)
        if Path(__file__).with_name("broken").exists():
            embedding = np.full_like(embedding, np.nan)
        return [embedding, *others]


class TritonPythonModel(Sound):
    def initialize(self, args):
        super().initialize(args)
        self.session = Session(self.session)
'''


@contextmanager
def breakable_model(settings: Settings, progress: Progress) -> Iterator[Path]:
    """A copy of the exported encoder that `break_model` can break."""
    with TemporaryDirectory(prefix="sightline-models-") as home:
        tools, models = settings.tools.resolve(), Path(home) / "models"
        server = TritonServer(
            data=Path(home), tools=tools, logs=Path(home), models=tools / "models", encoder=settings.encoder
        )
        with locked(tools / "triton.lock", on_wait=lambda: progress("triton: waiting for another set-up to finish")):
            server.prepare(progress)
        for name in (settings.encoder, WORDS_MODEL):
            without_marks = shutil.ignore_patterns("exported-*", "__*")
            shutil.copytree(tools / "models" / name, models / name, ignore=without_marks)
        model = models / settings.encoder
        served = newest_version(model)
        (served / "model.py").rename(served / "sound.py")
        (served / "model.py").write_text(_MODEL)
        yield models


def break_model(models: Path, encoder: str) -> None:
    """Make every embedding NaN."""
    (newest_version(models / encoder) / _BROKEN).touch()


def mend_model(models: Path, encoder: str) -> None:
    """Make every embedding the output of the network again."""
    (newest_version(models / encoder) / _BROKEN).unlink()
