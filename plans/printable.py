"""Text from outside, made fit to be shown."""


def plain(text: str) -> str:
    r"""The text with every character escaped that is not printable: `\x1b`, `\n`, `\u202e`.

    So nothing from AWS or a manifest can move a cursor, colour a terminal, turn the direction of writing, hide in a
    space of no width, or fail to be encoded.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
