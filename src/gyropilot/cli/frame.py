"""What every command has: examples in its help, `--json`, and words for what was mistyped."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import click

SUGGESTIONS = 3
CONTEXT = {"help_option_names": ["-h", "--help"]}


class Command(click.Command):
    """A command whose help ends with examples.

    Args:
        examples: lines as one would type them.
        arguments: what `click.Command` takes.
    """

    def __init__(self, *arguments: Any, examples: Iterable[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="Write one JSON document, for programs")
        )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def command(*examples: str, name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command; it is given `as_json` besides its own parameters.

    Args:
        examples: lines for its help, as one would type them.
        name: its name; the function's unless given.
    """
    return click.command(name, cls=Command, examples=examples, context_settings=CONTEXT)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a question that names what may have been meant, as in `Did you mean 'churn'?`; empty when nothing is."""
    lowered = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=SUGGESTIONS)
    return f"Did you mean {' or '.join(repr(lowered[each]) for each in close)}?" if close else ""


class Word(click.Choice[str]):
    """One of some words, in whatever case; what is like one of them is asked about."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(list(words), case_sensitive=False)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002  # click's signature
        """Say what may have been meant, or else what there is."""
        return f"{value!r} is none of {', '.join(self.choices)}. {suggest(str(value), self.choices)}".rstrip()


def write_json(document: object) -> None:
    """Write a document to standard output; moments in ISO 8601 and UTC, numbers that JSON lacks as null."""
    click.echo(json.dumps(_simplify(document), indent=2, ensure_ascii=False, allow_nan=False))


def _simplify(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _simplify(member) for name, member in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [_simplify(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
