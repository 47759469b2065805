"""`gyropilot completion`."""

from __future__ import annotations

import click

from gyropilot.cli.frame import Word, command, write_json

VARIABLE = "_GYROPILOT_COMPLETE"
"""What the scripts set when they ask for completions, in the form that click expects."""


@command('eval "$(gyropilot completion bash)"', "gyropilot completion fish > ~/.config/fish/completions/gyropilot.fish")
@click.argument("shell", type=Word(["bash", "zsh", "fish"]))
def completion(shell: str, as_json: bool) -> None:
    """Print what makes a shell complete commands, options, files and columns.

    For bash and zsh, put the eval line of the first example, with the name of your shell, into ~/.bashrc or ~/.zshrc.
    """
    from click.shell_completion import get_completion_class

    from gyropilot.cli.main import PROGRAM, cli

    shell_class = get_completion_class(shell)
    assert shell_class is not None
    script = shell_class(cli, {}, PROGRAM, VARIABLE).source()
    if as_json:
        write_json({"shell": shell, "script": script})
    else:
        click.echo(script)
