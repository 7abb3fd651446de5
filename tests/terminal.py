"""Commands on a terminal of a given width, by a pseudo-terminal."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor


def run(*args, columns=80, interrupt=None, **environment):
    """Return the exit code and what the terminal was sent; where the text `interrupt` comes, the process is interrupted."""
    wanted = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment}
    wanted = {name: value for name, value in wanted.items() if name != "COLUMNS" and value is not None}
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "fastgd", *map(str, args)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=wanted, start_new_session=True
    ) as process:
        os.close(theirs)
        said, sent, end = b"", False, time.monotonic() + 120
        while time.monotonic() < end:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so where the other side has closed
                break
            if not piece:
                break
            said += piece
            if interrupt is not None and not sent and interrupt.encode() in said:
                sent = True
                process.send_signal(signal.SIGINT)
        os.close(ours)
        return process.wait(30), said.decode()


def screen(said):
    """Return the lines that stay on the terminal, as far as rich's own commands move the cursor."""
    lines, row, column = [""], 0, 0
    for command, text in re.findall(r"(\x1b\[[?0-9;]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", said):
        if command == "\r":
            column = 0
        elif command == "\n":
            row += 1
        elif command == "\x1b[2K":
            lines[row] = ""
        elif command.endswith("A"):
            row -= int(command[2:-1] or 1)
        while row >= len(lines):
            lines.append("")
        if text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
    return [line for line in lines if line]
