"""Draws the Markdown of a job's summary as GitHub shows it, as SVG in which text stays text.

It knows what `nuon-gate` writes: headings, tables, lists, blocks of code, Mermaid's gantt charts, `<details>` (shown
open), bold text, code and links. Whatever else there is, it shows as plain text.
"""

import datetime
import html
import re

WIDTH, MARGIN, PADDING = 980, 16, 24
TOP = MARGIN + 60
INNER = WIDTH - 2 * (MARGIN + PADDING)
SANS = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
INK, MUTED, LINK, BORDER, SHADE = "#1f2328", "#59636e", "#0969da", "#d1d9e0", "#f6f8fa"
SIZE, LINE = 14, 21
HEADINGS = {1: 26, 2: 21, 3: 17.5}
INLINE = re.compile(r"\*\*(?P<bold>.+?)\*\*|`(?P<code>[^`]+)`|\[(?P<link>[^\]]+)\]\([^)\s]*\)")
# The widths of characters, as parts of the font's size. Each text is drawn exactly as wide as computed here.
WIDTHS = [
    ("\ufe0f", 0),
    ("ijl'|", 0.24),
    (" ftI.,:;/!()[]r-`", 0.31),
    ("ABCDEFGHJKLNOPQRSTUVXYZ&+=<>~", 0.67),
    ("mMwW@%…→", 0.86),
]
WIDTH_OF = {sign: width for signs, width in WIDTHS for sign in signs}
GANTT = {"done": ("#d3d3d3", "#808080"), "active": ("#bfc7ff", "#534fbc"), "crit": ("#ff6b6b", "#cf222e")}

Run = tuple[str, str]


def is_icon(text: str) -> bool:
    return "\u2300" <= text[:1] < "\ufe00" or text[:1] > "\uffff"


def width_of(text: str, style: str, size: float) -> float:
    if style == "code":
        return 0.6 * size * len(text)
    signs = sum(1.25 if is_icon(sign) else WIDTH_OF.get(sign, 0.56) for sign in text)
    return signs * size * (1.06 if style == "bold" else 1)


def plain(text: str) -> str:
    return html.unescape(text).replace("\u200b", "")


def runs(markdown: str) -> list[Run]:
    """Returns a line's texts, each with its style."""
    found, at = [], 0
    for match in INLINE.finditer(markdown):
        found += [(plain(markdown[at : match.start()]), ""), (plain(match[match.lastgroup]), match.lastgroup)]
        at = match.end()
    found.append((plain(markdown[at:]), ""))
    return [run for run in found if run[0]]


def words(texts: list[Run], size: float, width: float) -> list[Run]:
    """Returns words and the gaps between them, each at most this wide."""
    found = []
    for text, style in texts:
        for word in re.findall(r"\s+|\S+", text):
            if is_icon(word) and style != "code":
                # The width of these differs too much between fonts to draw them, or a text with them, in a given width.
                found.append((word, "icon"))
                continue
            while width_of(word, style, size) > width and len(word) > 1:
                kept = len(word) - 1
                while kept > 1 and width_of(word[:kept], style, size) > width:
                    kept -= 1
                found.append((word[:kept], style))
                word = word[kept:]
            found.append((word, style))
    return found


def wrapped(texts: list[Run], size: float, width: float) -> list[list[Run]]:
    lines, used = [[]], 0.0
    for word, style in words(texts, size, width):
        wide = width_of(word, style, size)
        if used + wide > width + 0.01 and lines[-1]:
            lines.append([])
            used = 0.0
            if word.isspace() and style != "code":
                continue
        if lines[-1] and lines[-1][-1][1] == style:
            lines[-1][-1] = (lines[-1][-1][0] + word, style)
        else:
            lines[-1].append((word, style))
        used += wide
    return lines


def length(texts: list[Run], size: float) -> float:
    return sum(width_of(text, style, size) for text, style in texts)


class Page:
    """The drawing so far, and its height."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 0.0

    def rect(self, x: float, y: float, width: float, height: float, fill: str, stroke: str = "none", rx=0) -> None:
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{rx}" '
            f'fill="{fill}" stroke="{stroke}"/>'
        )

    def line(self, x: float, y: float, to_x: float, to_y: float, stroke: str = BORDER) -> None:
        self.parts.append(f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{stroke}"/>')

    def polygon(self, points: str, fill: str, stroke: str = "none") -> None:
        self.parts.append(f'<polygon points="{points}" fill="{fill}" stroke="{stroke}"/>')

    def text(self, x: float, y: float, text: str, style: str = "", size: float = SIZE, fill: str = INK) -> float:
        """Writes a text on this baseline, and returns where it ends."""
        wide = width_of(text, style, size)
        exact = "" if style == "icon" else f'textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs" '
        face = {"bold": ' font-weight="600"', "code": f' font-family="{MONO}"'}.get(style, "")
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{LINK if style == "link" else fill}"{face} '
            f'{exact}xml:space="preserve">{html.escape(text)}</text>'
        )
        return x + wide

    def flow(self, x: float, width: float, texts: list[Run], size: float = SIZE, line: float = LINE) -> None:
        """Writes texts in as many lines as they need."""
        for row in wrapped(texts, size, width):
            at = x
            for text, style in row:
                if style == "code" and size == SIZE:
                    self.rect(at - 2, self.y + 2, width_of(text, style, size) + 4, line - 3, "#eff1f3", rx=4)
                at = self.text(at, self.y + line * 0.72, text, style, size)
            self.y += line


def blocks(markdown: str) -> list[tuple]:
    """Returns the parts of a page, each with its kind and its content."""
    found, lines = [], markdown.splitlines()
    while lines:
        line = lines.pop(0)
        if fence := re.fullmatch(r"(`{3,})(\w*)", line):
            end = lines.index(fence[1]) if fence[1] in lines else len(lines)
            found.append(("gantt" if fence[2] == "mermaid" and "gantt" in lines[:2] else "code", lines[:end]))
            lines = lines[end + 1 :]
        elif heading := re.fullmatch(r"(#{1,3}) (.+)", line):
            found.append(("heading", len(heading[1]), heading[2]))
        elif summary := re.fullmatch(r"<details(?: open)?><summary>(.*)</summary>", line):
            found.append(("summary", summary[1]))
        elif line.startswith("| ") and lines and re.fullmatch(r"[|:-]+", lines[0]):
            end = next((at for at, row in enumerate(lines) if not row.startswith("|")), len(lines))
            rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in [line, *lines[1:end]]]
            found.append(("table", rows))
            lines = lines[end:]
        elif line.startswith("- "):
            found.append(("item", line[2:]))
        elif line.strip() and line != "</details>":
            found.append(("paragraph", line))
    return found


def draw_heading(page: Page, x: float, width: float, level: int, text: str) -> None:
    size = HEADINGS[level]
    page.y += 8 if page.y > TOP else 0
    page.flow(x, width, [(text, "bold") for text, _ in runs(text)], size, size * 1.35)
    if level < 3:
        page.line(x, page.y + 6, x + width, page.y + 6)
        page.y += 8
    page.y += 12


def draw_paragraph(page: Page, x: float, width: float, text: str) -> None:
    page.flow(x, width, runs(text))
    page.y += 14


def draw_item(page: Page, x: float, width: float, text: str) -> None:
    page.parts.append(f'<circle cx="{x + 12:.1f}" cy="{page.y + LINE / 2:.1f}" r="2.6" fill="{INK}"/>')
    page.flow(x + 26, width - 26, runs(text))
    page.y += 4


def draw_summary(page: Page, x: float, width: float, text: str) -> None:
    page.y += 10
    page.polygon(f"{x + 1},{page.y + 7} {x + 10},{page.y + 7} {x + 5.5},{page.y + 14}", INK)
    page.flow(x + 16, width - 16, runs(text))
    page.y += 8


def draw_code(page: Page, x: float, width: float, lines: list[str]) -> None:
    size, line = 12, 18
    signs = int((width - 32) / (0.6 * size))
    rows = [row[at : at + signs] for row in lines for at in range(0, max(len(row), 1), signs)]
    page.rect(x, page.y, width, line * len(rows) + 26, SHADE, rx=6)
    page.y += 13
    for row in rows:
        if row:
            page.text(x + 16, page.y + 13, row, "code", size)
        page.y += line
    page.y += 13 + 16


def column_widths(rows: list[list[list[Run]]], width: float) -> list[float]:
    """Gives each column the width that it needs; if that is too much, the widest ones shrink."""
    natural = [max(length(row[at], SIZE) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]
    room = width - 24 * len(natural)
    most = max(natural)
    while sum(min(most, needed) for needed in natural) > room and most > SIZE:
        most -= 1
    return [min(most, needed) + 24 for needed in natural]


def draw_table(page: Page, x: float, width: float, rows: list[list[str]]) -> None:
    cells = [[runs(cell) for cell in row] for row in rows]
    cells[0] = [[(text, "bold") for text, _ in cell] for cell in cells[0]]
    columns = column_widths(cells, width)
    for number, row in enumerate(cells):
        inner = [max(wide - 24, SIZE) + 0.5 for wide in columns]
        tall = LINE * max(len(wrapped(cell, SIZE, wide)) for cell, wide in zip(row, inner)) + 12
        top, at = page.y, x
        for wide, room, cell in zip(columns, inner, row):
            page.rect(at, top, wide, tall, SHADE if number and number % 2 == 0 else "#ffffff", BORDER)
            page.y = top + 6
            middle = (room - length(cell, SIZE)) / 2 if number == 0 else 0
            page.flow(at + 12 + max(middle, 0), room, cell)
            at += wide
        page.y = top + tall
    page.y += 16


def read_gantt(lines: list[str]) -> tuple[list[tuple], list[str], str]:
    """Returns the sections and bars, all other lines, and the axis's format of times."""
    rows, others, axis = [], [], "%H:%M:%S"
    for line in map(str.strip, lines):
        bar = re.fullmatch(r"(.*?) :(.*), (\S+), (\S+)", line)
        try:
            if line.startswith("section "):
                rows.append(("section", line.removeprefix("section ")))
            elif bar:
                start, end = (datetime.datetime.fromisoformat(time) for time in (bar[3], bar[4]))
                rows.append(("bar", bar[1], bar[2], start, end))
            elif line.startswith("axisFormat "):
                axis = line.removeprefix("axisFormat ")
            elif line != "gantt" and not line.startswith(("%%{init", "dateFormat ", "todayMarker ")):
                others.append(line)
        except ValueError:
            others.append(line)
    return rows, others, axis


def draw_bar(page: Page, row: tuple, left: float, right: float, place) -> None:
    _, label, tags, start, end = row
    fill, stroke = next((colours for tag, colours in GANTT.items() if tag in tags), ("#bfc7ff", "#534fbc"))
    x, to = place(start), place(end)
    middle = page.y + 12
    if "milestone" in tags:
        page.polygon(f"{x - 8},{middle} {x},{middle - 8} {x + 8},{middle} {x},{middle + 8}", fill, stroke)
        x, to = x - 8, x + 8
    else:
        page.rect(x, middle - 9, max(to - x, 2), 18, fill, stroke, rx=3)
    wide = width_of(label, "", 12)
    inside, after = wide + 8 <= to - x, to + 6 + wide <= right
    at = (x + to - wide) / 2 if inside else to + 6 if after else max(x - 6 - wide, left)
    page.text(at, middle + 4.2, label, size=12)


def tick_step(seconds: float) -> float:
    steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600]
    return next((step for step in steps if seconds / step <= 8), seconds / 8)


def draw_axis(page: Page, layer: int, top: float, first, last, place, form: str) -> None:
    step = datetime.timedelta(seconds=tick_step((last - first).total_seconds()))
    at = first
    while at <= last:
        page.parts.insert(layer, f'<path d="M{place(at):.1f} {top:.1f}V{page.y:.1f}" stroke="#c3c8ce"/>')
        label = at.strftime(form.replace("%L", f"{at.microsecond // 1000:03}"))
        page.text(place(at) - width_of(label, "", 11) / 2, page.y + 15, label, size=11, fill=MUTED)
        at += step


def draw_gantt(page: Page, x: float, width: float, lines: list[str]) -> None:
    rows, others, axis = read_gantt(lines)
    bars = [row for row in rows if row[0] == "bar"]
    if not bars:
        return draw_code(page, x, width, lines)
    sections = [row[1] for row in rows if row[0] == "section"]
    side = min(max([width_of(name, "bold", 12) for name in sections], default=0) + 28, width / 2)
    left, right = x + side, x + width - 36
    first, last = min(bar[3] for bar in bars), max(bar[4] for bar in bars)
    span = max((last - first).total_seconds(), 0.001)

    def place(time: datetime.datetime) -> float:
        return left + 12 + (right - left - 12) * (time - first).total_seconds() / span

    top, shades = page.y, ["#ececff", "#fffbe0"]
    groups = [at for at, row in enumerate(rows) if row[0] == "section" or at == 0]
    ends = [*groups[1:], len(rows)]
    bands = [(rows[start:end], shade) for start, end, shade in zip(groups, ends, shades * len(groups))]
    start = page.y
    for band, shade in bands:
        tall = 28 * sum(row[0] == "bar" for row in band) + 8
        page.rect(x, start, width, tall, shade)
        if band[0][0] == "section":
            page.y = start + (tall - 18) / 2
            page.flow(x + 12, side - 20, [(band[0][1], "bold")], 12, 18)
        start += tall
    behind_the_bars = len(page.parts)
    page.y = top
    for band, _ in bands:
        page.y += 4
        for row in band:
            if row[0] == "bar":
                page.y += 2
                draw_bar(page, row, left, x + width, place)
                page.y += 26
        page.y += 4
    draw_axis(page, behind_the_bars, top, first, last, place, axis)
    page.y += 34
    for line in others:
        draw_paragraph(page, x, width, line)


DRAWN = {
    "heading": draw_heading,
    "paragraph": draw_paragraph,
    "item": draw_item,
    "summary": draw_summary,
    "code": draw_code,
    "table": draw_table,
    "gantt": draw_gantt,
}


def draw(markdown: str, title: str, label: str) -> str:
    """Draws a page of Markdown below its title."""
    page = Page()
    x = MARGIN + PADDING
    page.text(x, MARGIN + 31, title, "bold")
    page.y = TOP
    before = ""
    for kind, *what in blocks(markdown):
        page.y += 10 if before == "item" != kind else 0
        DRAWN[kind](page, x, INNER, *what)
        before = kind
    height = round(page.y + 8 + MARGIN)
    body = "\n".join(page.parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{html.escape(label)}" font-family="{SANS}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{SHADE}"/>\n'
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{WIDTH - 2 * MARGIN}" height="{height - 2 * MARGIN}" rx="6" '
        f'fill="#ffffff" stroke="{BORDER}"/>\n'
        f'<path d="M{MARGIN} {MARGIN + 44}H{WIDTH - MARGIN}" stroke="{BORDER}"/>\n{body}\n</svg>\n'
    )
