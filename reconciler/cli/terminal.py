"""What a run shows where: colour, width, and whether stdout speaks JSON."""

import os
import secrets
import shutil
import sys

import attrs
import click

from plans.printable import plain


@attrs.define
class Terminal:
    """The terminal of one command. `salt` blurs secrets: equal within a run, and unlike those of any other."""

    json: bool = False
    color: bool = True
    verbose: bool = False
    salt: str = attrs.field(factory=lambda: secrets.token_hex(8))

    @property
    def coloured(self) -> bool:
        """Whether stdout takes colour: a terminal, and neither `--no-color` nor NO_COLOR (no-color.org)."""
        return self.color and not os.environ.get("NO_COLOR") and sys.stdout.isatty()

    @property
    def width(self) -> int:
        return min(shutil.get_terminal_size((100, 24)).columns, 120)

    @property
    def live(self) -> bool:
        """Whether progress may be a table that redraws itself."""
        return not self.json and sys.stderr.isatty()

    def error(self, message: str, hint: str | None) -> None:
        label = click.style("Error:", fg="red", bold=True) if self.color and sys.stderr.isatty() else "Error:"
        click.echo(f"{label} {plain(message)}", err=True)
        if hint:
            click.echo(f"  {plain(hint)}", err=True)

    def say(self, message: str) -> None:
        """A line of the result."""
        click.echo(plain(message))

    def note(self, message: str) -> None:
        """A line beside the result."""
        click.echo(plain(message), err=True)
