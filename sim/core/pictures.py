"""Pictures of messages, as data URLs, and their alt text within the text of a message."""

from __future__ import annotations

import base64
import re
from typing import Final

from sim.core.text import one_line
from sim.errors import InputError

MOST_BYTES: Final = 512 << 10
"""Size limit of a picture file."""

_URL = re.compile(r"data:image/[\w.+-]{1,40};base64,")
_KINDS = {
    "png": rb"\x89PNG\r\n\x1a\n", "jpeg": rb"\xff\xd8\xff", "gif": rb"GIF8[79]a",
    "webp": rb"RIFF....WEBP",
}  # fmt: skip
_ROUND = str.maketrans("[]", "()")
_ALT = re.compile(r"\s*\[(?:picture: [^\[\]]*\]?|[picture: ]{0,9}…)$")


def checked_picture(said: object) -> str:
    """Return a data URL, with the type that its bytes have, or raise InputError."""
    text = said if isinstance(said, str) else ""
    head = _URL.match(text)
    if head is None or len(text) > 2 * MOST_BYTES:
        raise InputError(
            f"A picture is a data URL (data:image/png;base64,...) of at most {MOST_BYTES:,} bytes; "
            "sim.picture(FILE) makes one."
        )
    try:
        data = base64.b64decode(text[head.end() :], validate=True)
    except ValueError:
        raise InputError("The data URL of a picture is not valid base64.") from None
    return url_of(data)


def url_of(data: bytes) -> str:
    """Return a picture as a data URL, or raise InputError."""
    kind = next((name for name, begins in _KINDS.items() if re.match(begins, data, re.DOTALL)), "")
    if not kind or len(data) > MOST_BYTES:
        raise InputError(f"A picture is a PNG, JPEG, GIF or WebP of at most {MOST_BYTES:,} bytes.")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def described(text: str, alt: str) -> str:
    """Return a text followed by the alt text of its picture."""
    return f"{text} [picture: {one_line(alt).translate(_ROUND)}]".lstrip()


def numbered(text: str, number: int) -> str:
    """Return a text of :func:`described`, maybe cut, with a number in place of the alt text.

    Examples
    --------
    >>> numbered(described("Look!", "A flood."), 1)
    'Look! [picture 1]'
    """
    return f"{_ALT.sub('', text)} [picture {number}]".lstrip()
