"""The entry point: finds the command, runs it, and says what went wrong in words and by its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from gyropilot.cli.failures import Exit, describe_failure
from gyropilot.cli.frame import CONTEXT

PROGRAM = "gyropilot"

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Learn": {
        "fit": "Train models on a table and rank them.",
        "jobs": "List the AutoML jobs.",
        "describe": "Show one job and its candidates.",
        "leaderboard": "Show a job's candidates, best first, with every metric.",
        "candidates": "List a job's candidates, or show one.",
        "report": "List or open a job's reports.",
        "logs": "Show the log of a job or an endpoint.",
        "stop": "Stop a job; it keeps its best model.",
    },
    "Predict": {
        "predict": "Predict the rows of a file, without an endpoint.",
        "evaluate": "Score a model on rows whose answers are known.",
        "deploy": "Serve a job's model under an endpoint.",
        "endpoints": "List or delete endpoints.",
        "invoke": "Ask an endpoint.",
        "transform": "Predict files in the server.",
        "export": "Write a model as a bundle, an ONNX graph or a container.",
    },
    "Run": {
        "serve": "Run the server in the foreground.",
        "env": "Print the variables that point AWS tools at the server.",
        "users": "Make, list and revoke users and their access keys.",
        "doctor": "Check this installation, and say how to mend it.",
        "completion": "Print what makes a shell complete commands.",
        "version": "Print the version.",
    },
}
"""The commands in the order of the help, each with its line there."""
COMMANDS = [name for section in SECTIONS.values() for name in section]
"""Each is a function of this name in the module of this name."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the commands in the order of the help."""
        return COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import and return a command; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"gyropilot.cli.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; ask about those that are like it."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        widest = max(map(len, COMMANDS))
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{widest}}", line) for name, line in commands.items()])


@click.group(
    cls=LazyGroup,
    context_settings=CONTEXT,
    epilog="Begin with: gyropilot fit data.csv --target COLUMN",
    no_args_is_help=True,
)
def cli() -> None:
    """SageMaker Autopilot on your own machines.

    Commands find the server of the state folder (GYROPILOT_HOME, or ~/.gyropilot), or start one. Each has --help with
    examples, and --json for programs.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code, one of `Exit`.

    Raises:
        SystemExit: always.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        result = cli.main(args=given, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(Exit.USAGE)
    except click.ClickException as error:
        _tell(error.format_message(), error.exit_code, given, error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output went away; Python must not complain about it at its end
        sys.exit(Exit.FAILED)
    except Exception as error:
        message, exit_code = describe_failure(error)
        _tell(message, exit_code, given)
        sys.exit(exit_code)
    sys.exit(result if isinstance(result, int) else Exit.DONE)


def _tell(message: str, exit_code: int, given: Sequence[str], error: click.ClickException | None = None) -> None:
    """Write an error to stderr: as a document for programs, otherwise in words."""
    if "--json" in given:
        click.echo(json.dumps({"error": message, "exit_code": int(exit_code)}, ensure_ascii=False), err=True)
    elif error is not None:
        error.show()
    else:
        click.echo(f"Error: {message}", err=True)
