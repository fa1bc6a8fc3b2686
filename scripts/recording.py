"""Records a program at a terminal as an asciicast (version 2), and draws what the terminal shows as SVG in which text stays
text.

It knows what `nuon-gate` writes: text, ends of lines, colours, the cursor going up, and what clears lines. Anything else is
an error.
"""

import codecs
import fcntl
import html
import json
import os
import pty
import re
import struct
import termios
import time
import unicodedata

ROWS = 24
LINE, CHARACTER, MARGIN = 19, 7.85, 16
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
INK, FAINT, BACKGROUND, PROMPT = "#c9d1d9", "#8b949e", "#0d1117", "#79c0ff"
FILLS = {"31": "#ff7b72", "32": "#7ee787", "33": "#d29922"}
SEQUENCE = re.compile(r"\x1b\[(?P<number>\d*(?:;\d+)*)(?P<kind>[A-Za-z])|\x1b\](?P<link>8;[^\x1b]*)\x1b\\")

# A time, and the output at that time.
Event = tuple[float, str]


def record(command: list[str], env: dict[str, str], folder: str, columns: int) -> tuple[list[Event], int]:
    """Runs a command at a terminal, and returns its output with the times, and its exit code."""
    began = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        # The parent sets the size before anything is written.
        time.sleep(0.1)
        os.chdir(folder)
        os.execve(command[0], command, env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    events, decoder = [], codecs.getincrementaldecoder("utf-8")()
    while True:
        try:
            written = os.read(terminal, 1 << 16)
        except OSError:
            # The program has ended.
            break
        if not written:
            break
        events.append((time.monotonic() - began, decoder.decode(written)))
    os.close(terminal)
    return events, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def asciicast(events: list[Event], columns: int, title: str) -> str:
    head = {"version": 2, "width": columns, "height": ROWS, "title": title, "env": {"TERM": "xterm-256color"}}
    lines = [head, *([round(at, 3), "o", text] for at, text in events)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def width_of(sign: str) -> int:
    if unicodedata.combining(sign) or sign == "\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


class Screen:
    """A terminal, with all lines that it ever had."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        # Each cell has a character (empty after a wide one) and a colour.
        self.lines: list[list[tuple[str, str]]] = [[]]
        self.row, self.column, self.fill = 0, 0, INK

    def write(self, text: str) -> None:
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                sequence = SEQUENCE.match(text, at)
                if not sequence:
                    raise ValueError(f"not known: {text[at : at + 20]!r}")
                self.obey(sequence["kind"], sequence["number"])
                at = sequence.end()
                continue
            self.put(text[at])
            at += 1

    def put(self, sign: str) -> None:
        if sign == "\r":
            self.column = 0
        elif sign == "\n":
            self.go_down()
        else:
            width = width_of(sign)
            if self.column + width > self.columns:
                self.column = 0
                self.go_down()
            line = self.lines[self.row]
            line.extend([(" ", INK)] * (self.column + width - len(line)))
            if width == 0:
                before = max(self.column - 1, 0)
                line[before] = (line[before][0] + sign, line[before][1])
                return
            line[self.column : self.column + width] = [(sign, self.fill), ("", self.fill)][:width]
            self.column += width

    def go_down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def obey(self, kind: str | None, number: str | None) -> None:
        if kind == "A":
            self.row = max(self.row - int(number or 1), 0, len(self.lines) - ROWS)
        elif kind in ("J", "K"):
            del self.lines[self.row][self.column :]
            if kind == "J":
                del self.lines[self.row + 1 :]
        elif kind == "m":
            for code in (number or "0").split(";"):
                self.fill = {"0": INK, "2": FAINT, "1": self.fill}.get(code) or FILLS[code]
        elif kind:
            raise ValueError(f"not known: {kind}")

    def shown(self) -> list[list[tuple[str, str]]]:
        """Returns all lines except the empty ones at the end."""
        lines = list(self.lines)
        while lines and not lines[-1]:
            lines.pop()
        return lines


def draw(events: list[Event], columns: int, title: str, until: float = 1) -> str:
    """Draws what the terminal shows after a share of the time: at the end all lines, before that the visible ones."""
    screen, last = Screen(columns), events[-1][0]
    for _, text in [event for event in events if event[0] <= last * until]:
        screen.write(text)
    lines = screen.shown() if until == 1 else screen.shown()[-ROWS:]
    texts = "\n".join(text for at, line in enumerate(lines) for text in texts_of(line, 28 + LINE * at))
    width, height = round(CHARACTER * columns) + 2 * MARGIN, LINE * len(lines) + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{html.escape(title)}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n'
        f'<g font-family="{FONT}" font-size="13">\n{texts}\n</g>\n</svg>\n'
    )


def texts_of(line: list[tuple[str, str]], y: int) -> list[str]:
    """Writes the characters of one colour in a row as one text. After a wide character it begins a new one, because their width
    differs between fonts."""
    parts: list[tuple[int, str, str]] = []
    for at, (sign, fill) in enumerate(line):
        is_new = not parts or parts[-1][2] != fill or (at and line[at - 1][0] == "")
        if is_new:
            parts.append((at, sign, fill))
        else:
            start, text, _ = parts[-1]
            parts[-1] = (start, text + sign, fill)
    return [
        f'<text x="{MARGIN + CHARACTER * at:.1f}" y="{y}" fill="{fill}" xml:space="preserve">{html.escape(text)}</text>'
        for at, text, fill in parts
        if text.strip()
    ]
