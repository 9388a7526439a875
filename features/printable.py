"""Text of strangers, made safe to show: ids, titles and errors come from apps, files and other systems."""

from typing import Final

#: Characters that are shown of one text.
SHOWN: Final = 2000


def printable(text: str, limit: int = SHOWN) -> str:
    r"""The text on one line without anything that a reader's terminal or browser obeys; of a long one, the beginning.

    Escaped are all characters that Python calls unprintable: control characters with line breaks and terminal codes,
    marks of direction, zero-width characters, lone surrogates.

    >>> printable("a\x1b[31m\u202eb\n"), printable("x" * 9, limit=5)
    ('a\\x1b[31m\\u202eb\\n', 'xxxxx… (4 more characters)')
    """
    kept = text[:limit]
    if not kept.isprintable():
        kept = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in kept)
    return kept if len(text) <= limit else f"{kept}… ({len(text) - limit:,} more characters)"
