"""Run a command in a terminal of its own and draw what it printed as an SVG.

python tools/record_terminal.py docs/pictures/demo.svg --prompt --title "gyropilot fit" --columns 90 -- \\
    gyropilot fit examples/data/adult.csv --target income --time 1m

The picture is the command's real output. The fonts are the reader's: the file points to nothing on the net.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

WEB_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
CURSOR = re.compile(r"\x1b\[\??(\d*)[0-9;]*([A-HJKSTfhln])")
CONTROL = re.compile(r"(\n|\r|\x1b\[[0-9;?]*[A-HJKSTfhln])")


def run_in_terminal(command: Sequence[str], *, columns: int) -> tuple[str, int]:
    """Run a command with a terminal as its output, show it meanwhile, and return what it wrote and its exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "COLORTERM": "truecolor"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    pieces = []
    while piece := _read(ours):
        sys.stdout.buffer.write(piece)
        sys.stdout.flush()
        pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode(errors="replace"), process.wait()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: nobody has the other end any more
        return b""


def settle(output: str) -> list[str]:
    """Return the lines as they stand in the end, when all that was written over or erased is gone.

    Understands what progress displays write: carriage returns, steps upwards and erased lines.
    """
    lines, row, is_at_start = [""], 0, True
    for part in CONTROL.split(output.replace("\r\n", "\n")):
        if part == "\n":
            row, is_at_start = row + 1, True
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            is_at_start = True
        elif (move := CURSOR.fullmatch(part)) is not None:
            number, action = int(move.group(1) or 1), move.group(2)
            row = max(0, row - number) if action == "A" else row
            lines[row] = "" if action == "K" else lines[row]
        elif part:
            lines[row] = part if is_at_start else lines[row] + part
            is_at_start = False
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def draw(lines: Sequence[str], *, title: str, columns: int) -> str:
    """Return an SVG of a terminal that shows the lines."""
    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=False, highlight=False)
    svg = WEB_FONTS.sub("", console.export_svg(title=title, unique_id="terminal"))
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="the SVG to write")
    parser.add_argument("--title", default="", help="what the window is called; the command unless given")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--prompt", action="store_true", help="show the command above its output")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    output, exit_code = run_in_terminal(arguments.command, columns=arguments.columns)
    if exit_code:
        sys.exit(f"the command ended with {exit_code}; nothing was written")
    shown = " ".join(arguments.command)
    lines = settle(output)
    if arguments.prompt:
        lines.insert(0, f"\x1b[1m$ {shown}\x1b[0m")
    arguments.target.parent.mkdir(parents=True, exist_ok=True)
    picture = draw(lines, title=arguments.title or shown, columns=arguments.columns)
    arguments.target.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
