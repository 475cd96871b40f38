"""What a run shows where: colour, width, and whether stdout speaks JSON.

`--help` needs it too, and starts without what takes time to import.
"""

import errno
import functools
import json
import os
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

import click

from plans.printable import plain

if TYPE_CHECKING:
    from plans.plan import Plan

_SHORTEST = 4


class Terminal:
    """The terminal of one command. `salt` blurs secrets: equal within a run, and unlike those of any other.

    A stream that takes no more text is left alone from then on: a run must not break off between two calls because
    whoever read its output has gone. `ended` tells at the end.
    """

    def __init__(self, *, json: bool = False, color: bool = True, verbose: bool = False) -> None:
        self.json, self.color, self.verbose = json, color, verbose
        self._lost: OSError | None = None
        self._hidden: tuple[str, ...] = ()

    def hide(self, values: Iterable[Any]) -> None:
        """Show the texts of these values no more, wherever they stand: plain, in JSON and in HTML, whole or by lines.

        Those of less than four letters are shown: they stand everywhere.
        """
        from html import escape

        from plans.masking import texts_in

        whole = {*texts_in([*values])}
        said = {part for text in whole for part in (text, *text.splitlines()) if len(part) >= _SHORTEST}
        forms = {form for text in said for form in (text, plain(text), json.dumps(text)[1:-1])}
        texts = {*self._hidden, *forms, *map(escape, forms)}
        self._hidden = tuple(sorted(texts, key=lambda text: (-len(text), text)))

    def masked(self, plan: "Plan") -> "Plan":
        """A plan as it is shown, where a long value may be cut in the midst of what is hidden."""
        from plans.masking import mask_plan_without

        return mask_plan_without(plan, self.salt, self._hidden)

    def cleared(self, value: Any) -> Any:
        """A text, or all texts of a document, without what is hidden."""
        if not self._hidden:
            return value
        from plans.masking import without

        return without(value, self._hidden)

    @functools.cached_property
    def salt(self) -> str:
        return os.urandom(8).hex()

    @property
    def coloured(self) -> bool:
        """Whether stdout takes colour: a terminal, and neither `--no-color` nor NO_COLOR (no-color.org)."""
        return self._colours(sys.stdout)

    @property
    def width(self) -> int:
        return min(shutil.get_terminal_size((100, 24)).columns, 120)

    @property
    def live(self) -> bool:
        """Whether progress may be a table that redraws itself."""
        return not self.json and is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"

    def result(self, text: str) -> None:
        """Text for stdout, as it is."""
        self._put(self.cleared(text))

    def _put(self, text: str) -> None:
        try:
            _write(sys.stdout, text)
        except OSError as error:
            self._lost = error

    def say(self, message: str) -> None:
        """A line of the result."""
        self.result(plain(message) + "\n")

    def document(self, document: Any) -> None:
        """The result as JSON."""
        self._put(json.dumps(self.cleared(document), indent=1) + "\n")

    def record(self, document: Any) -> None:
        """The result, or a part of it, as one line of JSON."""
        self._put(json.dumps(self.cleared(document)) + "\n")

    def note(self, message: str) -> None:
        """A line beside the result."""
        self.aside(plain(message) + "\n")

    def aside(self, text: str) -> None:
        """Text beside the result, as it is. Whether anybody reads it changes nothing."""
        try:
            _write(sys.stderr, self.cleared(text))
        except OSError:
            return

    def error(self, message: str, hint: str | None) -> None:
        """A message of one line or several, and what the reader can do."""
        label = click.style("Error:", fg="red", bold=True) if self._colours(sys.stderr) else "Error:"
        first, *rest = message.split("\n")
        self.aside(f"{label} {plain(first)}\n")
        for line in rest:
            self.note(f"  {line}")
        if hint:
            self.note(f"  → {hint}")

    def ended(self, code: int) -> int:
        """The exit code of a run that would end with `code`: a result that could not be written is an error.

        A reader that has gone (`| head`) has read enough, and is none.
        """
        if self._lost is None or self._lost.errno == errno.EPIPE or code:
            return code
        self.error(f"stdout cannot be written: {self._lost.strerror}", "give it a place with room")
        return 1

    def _colours(self, stream: TextIO | None) -> bool:
        return self.color and not os.environ.get("NO_COLOR") and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is there (a shell can close it: `>&-`) and is a terminal."""
    return stream is not None and stream.isatty()


def _write(stream: TextIO | None, text: str) -> None:
    """Write all of a text now. A stream that fails is turned into one that swallows everything, and the error raised.

    What is left in the buffer of a failed stream would fail once more when the interpreter ends ("Note on SIGPIPE",
    Python's documentation of the module signal). What the encoding of the stream cannot say is escaped.
    """
    if stream is None:
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
        raise
