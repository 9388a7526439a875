import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch


@contextmanager
def untraced_export() -> Iterator[None]:
    """Have torch trace networks without the tracer of coverage, under which that takes twice as long.

    Our own lines around it are traced as ever.
    """
    export = torch.onnx.export

    def untraced(*words: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return export(*words, **options)
        finally:
            sys.settrace(tracer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", untraced)
        yield
