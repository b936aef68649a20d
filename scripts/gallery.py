"""Write the static site: every lesson as a page with its replays, a gallery of them, the table of claims.

python scripts/gallery.py                       # into site/, with the replays that `make replays` left there
python scripts/gallery.py --only 0-start-here   # lessons whose path begins so

Nothing in it asks a network for anything: formulas are MathML, pictures stand in the page, and the policy of
each page lets one script run, the player of replays.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import jinja2
import nbformat
from claims_page import HEADS, TOLD, kept
from latex2mathml.converter import convert
from markupsafe import Markup
from mistune.plugins.table import render_table
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image
from pygments.formatters import HtmlFormatter
from replays import NOTEBOOKS, ROOT, SITE, notebooks

from sbkit.lab.replay import player
from sbkit.lab.script import style
from sbkit.plots.png import places

TEMPLATES = Path(__file__).parent / "templates"
BADGE = re.compile(r"\[!\[([^\]]*)\]\([^)]*\)\](\([^)]*\))")  # a picture from elsewhere that is a link
TO_NOTEBOOK = re.compile(r"(\]\((?!\w+:)[^)#]+)\.ipynb(#[^)]*)?\)")
REEL = re.compile(r'<div class="sb-replay">.*?</div>', re.DOTALL)  # nothing inside it can end it
MINUTES = re.compile(r"\*\*Time:\*\* (\d+) minutes")
BARS = re.compile("<mo>(&#x02016;|&#x0007C;|&#x02225;)</mo>")  # ‖ and |
THUMB = 360  # pixels of a picture in the gallery


def part_of(path: Path) -> str:
    """The part of the course that a notebook stands in, as its folder says.

    >>> part_of(Path("9-since-then/01-how-sharp.ipynb")), part_of(Path("0-start-here.ipynb"))
    ('Since then', 'Start')
    """
    folder = path.parts[0]
    return "Start" if folder[0] == "0" else folder[2:].replace("-", " ").capitalize()


def formula(body: str, display: Literal["inline", "block"] = "inline") -> str:
    """TeX as MathML; bars stretch only where \\left and \\right say so, or an index would pull them down."""
    return BARS.sub(r'<mo stretchy="false">\1</mo>', convert(body, display=display))


def wide(what: str, inside: str) -> str:
    """What may be wider than a phone, in a box that scrolls, by keys too."""
    return f'<div class="wide" tabindex="0" role="group" aria-label="{what}">{inside}</div>'


class Renderer(IPythonRenderer):
    """Markdown as nbconvert renders it, formulas as MathML, which browsers draw by themselves."""

    def table(self, text: str) -> str:
        """A table in a box of its own."""
        return wide("Table", render_table(self, text))

    def inline_math(self, body: str) -> str:
        """$…$ in a line."""
        return formula(body)

    def block_math(self, body: str) -> str:
        """$$…$$ on lines of its own."""
        return wide("Formula", formula(body, display="block"))

    def multiline_math(self, text: str) -> str:
        """The same, as a block of its own."""
        return self.block_math(text.strip().strip("$"))

    def latex_environment(self, name: str, body: str) -> str:
        r"""\begin{name}…\end{name}."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


def rendered(source: str) -> str:
    """Markdown of a lesson as HTML: its badge as words, its links to notebooks as links to their pages."""
    source = TO_NOTEBOOK.sub(r"\1.html\2)", BADGE.sub(r"[\1]\2", source))
    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source)


@dataclass(frozen=True)
class Lesson:
    """A notebook of the course and what the site says of it. path: below the notebooks' folder."""

    path: Path
    site: Path

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        """The notebook as it is stored, pictures and all."""
        return nbformat.read(NOTEBOOKS / self.path, 4)

    @property
    def name(self) -> str:
        """What claims call it."""
        return self.path.stem

    @property
    def address(self) -> str:
        """Its page, below the site's folder."""
        return self.path.with_suffix(".html").as_posix()

    @property
    def title(self) -> str:
        """Its question."""
        return self._header[0].removeprefix("# ")

    @property
    def intro(self) -> str:
        """Its first words."""
        words = next(part for part in self._header[1:] if not part.startswith("["))
        return Markup(rendered(words)).striptags()

    @property
    def minutes(self) -> str:
        """How long it takes in class."""
        found = MINUTES.search("\n".join(self._header))
        return found[1] if found else ""

    @property
    def _header(self) -> list[str]:
        return self.notebook.cells[0].source.split("\n\n")

    @cached_property
    def replays(self) -> dict[str, Path]:
        """Files of its replays, by cell, in their order."""
        folder = self.site / "replays" / self.path.with_suffix("")
        files = {cell.id: folder / f"{cell.id}.html" for cell in self.notebook.cells}
        return {name: file for name, file in files.items() if file.exists()}

    @property
    def picture(self) -> str:
        """One plot of its last replay's panel as small WebP in base64; "" without a replay."""
        for cell in self.notebook.cells[::-1]:
            if cell.id in self.replays and pictures(cell):
                return thumbnail(pictures(cell)[0].data["image/png"], shapes(self.replays[cell.id]))
        return ""


def pictures(cell: nbformat.NotebookNode) -> list[Any]:
    """A cell's outputs that are pictures."""
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def reel(file: Path) -> str:
    """The part of a replay's page that holds its frames."""
    found = REEL.search(file.read_text(encoding="utf-8"))
    return found[0] if found else ""


def shapes(file: Path) -> list[str]:
    """The kinds of the plots in a replay: field (also one of tiles), lines, bars."""
    text = reel(file).partition('json">')[2].partition("</script>")[0]
    kinds = [plot["shape"] for plot in json.loads(text)["frames"][0]["plots"]]
    return ["field" if kind == "tiles" else kind for kind in kinds]


def thumbnail(png: str, kinds: list[str]) -> str:
    """One of the plots in a picture, a field if there is one, else the last, as small WebP in base64."""
    at = kinds.index("field") if "field" in kinds else len(kinds) - 1
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    rows = places([kind == "field" for kind in kinds])
    cells = [(x, y) for y, row in enumerate(rows) for x, which in enumerate(row) if which == at]
    wide, high = image.width / len(rows[0]), image.height / len(rows)
    (left, top), (right, bottom) = cells[0], cells[-1]
    small = image.crop(
        (round(left * wide), round(top * high), round((right + 1) * wide), round((bottom + 1) * high))
    )
    small.thumbnail((THUMB, THUMB))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=75)
    return base64.b64encode(file.getvalue()).decode()


def body(lesson: Lesson) -> str:
    """A lesson's cells as HTML; a panel's picture gives way to its replay."""
    notebook = nbformat.from_dict(json.loads(json.dumps(lesson.notebook)))
    for cell in notebook.cells:
        if cell.id in lesson.replays:
            told = "".join(html.escape(output.data.get("text/plain", "")) for output in pictures(cell))
            shown = f"{reel(lesson.replays[cell.id])}<pre>{told}</pre>"
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": shown})]
    exporter = HTMLExporter(template_name="lesson", extra_template_basedirs=[str(TEMPLATES)])
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.register_filter("markdown2html", rendered)
    return exporter.from_notebook_node(notebook)[0]


def sheet() -> str:
    """The style of every page: the site's own, the stage's, colours of code by day and by night."""
    day, night = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("xcode", "github-dark"))
    dark = f"@media (prefers-color-scheme: dark) {{ {night} }}"
    plain = ".highlight, .highlight pre { background: none !important; }"
    return "\n".join([(TEMPLATES / "site.css").read_text(encoding="utf-8"), style(), day, dark, plain])


def claims(path: Path, lessons: list[Lesson]) -> list[tuple[Any, list[dict[str, str]]]]:
    """The claims kept in a file, lesson by lesson; one that has no page is known by its name."""
    known = {lesson.name: lesson for lesson in lessons}
    grouped = groupby(kept(path), key=lambda row: row["lesson"])
    return [
        (known.get(name, {"name": name, "title": name, "address": ""}), list(group))
        for name, group in grouped
    ]


def write(site: Path, claimed: Path, only: str = "") -> list[Path]:
    """Write the pages into a folder, and the table of the claims kept in a file; their paths."""
    script, digest = player()
    loader = jinja2.FileSystemLoader(TEMPLATES)
    pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    every: dict[str, Any] = {"style": Markup(sheet()), "up": "", "told": TOLD}
    lessons = [Lesson(path, site) for path in notebooks(only)]
    made = []

    def page(address: str, template: str, **given: Any) -> None:
        (site / address).parent.mkdir(parents=True, exist_ok=True)
        (site / address).write_text(pages.get_template(template).render(every | given), encoding="utf-8")
        made.append(site / address)

    for before, lesson, after in zip([None, *lessons], lessons, [*lessons[1:], None], strict=False):
        about: dict[str, Any] = {"name": lesson.name, "title": lesson.title, "before": before, "after": after}
        about["replays"] = [file.relative_to(site).as_posix() for file in lesson.replays.values()]
        safe = {"body": body(lesson), "player": script}
        about |= {name: Markup(text) for name, text in safe.items()}
        up = "../" * (len(lesson.path.parts) - 1)
        page(lesson.address, "lesson.html.j2", **about, digest=digest, up=up)
    parts = {part: list(group) for part, group in groupby(lessons, lambda lesson: part_of(lesson.path))}
    page("index.html", "index.html.j2", title="sbkit", parts=parts)
    heads = {key: head for key, head in HEADS.items() if key != "lesson"}
    page("claims.html", "claims.html.j2", title="Claims", heads=heads, lessons=claims(claimed, lessons))
    return made


def main() -> None:
    """Write the site and say where it begins."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="how the notebooks' paths begin")
    parser.add_argument("--out", type=Path, default=SITE, help="folder of the site")
    parser.add_argument("--claims", type=Path, default=ROOT / "docs" / "claims.json")
    given = parser.parse_args()
    made = write(given.out, given.claims, given.only)
    print(f"{len(made)} pages; open {given.out / 'index.html'}")


if __name__ == "__main__":
    main()
