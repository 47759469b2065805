"""The entry point: finds the command, runs it, and says in one line what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from gyropilot.cli.failures import describe_failure

PROGRAM = "gyropilot"
EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130

COMMANDS: Mapping[str, tuple[str, str]] = {
    "fit": ("gyropilot.cli.fit", "Train models on a table and rank them."),
    "jobs": ("gyropilot.cli.jobs", "List the AutoML jobs."),
    "describe": ("gyropilot.cli.describe", "Show one job and its candidates."),
    "env": ("gyropilot.cli.env", "Print the variables that point AWS tools at the server."),
    "users": ("gyropilot.cli.users", "Make, list and revoke users and their access keys."),
    "serve": ("gyropilot.cli.serve", "Run the server in the foreground."),
    "version": ("gyropilot.cli.version", "Print the version."),
}
"""Each command's module, where a function of the command's name is the command, and its line in the help."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import and return a command; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """SageMaker Autopilot on your own machines.

    Commands find the server of the state folder (GYROPILOT_HOME, or ~/.gyropilot), or start one.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code: 1 for failures, 2 for wrong usage.

    Raises:
        SystemExit: always.
    """
    try:
        result = cli.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output went away; Python must not complain about it at its end
        sys.exit(EXIT_FAILURE)
    except Exception as error:
        click.echo(f"Error: {describe_failure(error)}", err=True)
        sys.exit(EXIT_FAILURE)
    sys.exit(result if isinstance(result, int) else 0)
