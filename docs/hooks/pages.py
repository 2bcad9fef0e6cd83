"""What the pages of the documentation take from the code when they are built.

``<!-- made: NAME -->`` in a page is replaced by a table of `TABLES`; equations become MathML, which
browsers draw themselves; the executed notebook becomes a page; validation pages enter the menu.
"""

from __future__ import annotations

import html
import inspect
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.models import ArgumentInfo, OptionInfo

from evsize.cli.main import app
from evsize.physics import MEDIA, MIXTURES
from evsize.settings import Section, Settings
from evsize.tables import FLAG_MEANING, SCHEMAS

NOTEBOOK = "example.ipynb"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every page of docs/validation into the menu."""
    folder = Path(config.docs_dir) / "validation"
    pages = [f"validation/{page.name}" for page in sorted(folder.glob("*.md"))]
    config.nav = [{"Validation": pages} if "Validation" in part else part for part in config.nav]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebook as a page."""
    text = (Path(config.docs_dir) / NOTEBOOK).read_text(encoding="utf-8")
    page = "\n\n".join(_cell(cell) for cell in json.loads(text)["cells"])
    name = Path(NOTEBOOK).with_suffix(".md").name
    files.append(File.generated(config, name, content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put in the tables that are made from the code."""
    return re.sub(r"<!-- made: (\w+) -->", lambda found: TABLES[found[1]](), markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Turn the equations into MathML, and put in what the cells of a notebook showed."""
    content = re.sub(r'data-shown="([^"]*)">', _shown, content)
    equation = r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>'
    return re.sub(equation, _mathml, content, flags=re.DOTALL)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found[1] == "div" else "inline"
    return str(convert(html.unescape(found[2]).strip(), display=display))


def _cell(cell: Mapping[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    # in an attribute, out of the sight of Markdown, which takes a blank line for a paragraph
    shown = [html.escape(_output(one)).replace("\n", "&#10;") for one in cell["outputs"]]
    outputs = "\n\n".join(f'<div class="cell-output" data-shown="{one}"></div>' for one in shown)
    return f"```python\n{source}\n```\n\n{outputs}"


def _output(output: Mapping[str, Any]) -> str:
    data = output.get("data", {"text/plain": output.get("text", "")})
    kinds = ("text/html", "image/png", "text/plain")
    kind = next(kind for kind in kinds if kind in data)
    content = "".join(data[kind])
    if kind == "image/png":
        return f'<img alt="figure" src="data:image/png;base64,{content.strip()}">'
    return content if kind == "text/html" else f"<pre><code>{html.escape(content)}</code></pre>"


def _shown(found: re.Match[str]) -> str:
    return f">{html.unescape(found[1])}"


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(map(_cell_text, line))} |" for line in lines)


def _cell_text(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def settings() -> str:
    """Every setting, a table a section of the TOML file."""
    parts = []
    for name, field in Settings.model_fields.items():
        section: Any = field.annotation
        assert issubclass(section, Section)
        rows = [
            (f"`{key}`", _default(item.default), item.description or "")
            for key, item in section.model_fields.items()
        ]
        heading = f"## `[{name}]`\n\n{(section.__doc__ or '').strip()}"
        parts.append(f"{heading}\n\n{_table(('setting', 'if left out', 'meaning'), rows)}")
    return "\n\n".join(parts)


def _default(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, tuple) and isinstance(value[0], Section):
        return ", ".join(item.name for item in value)
    return f"`{json.dumps(value)}`"


def columns() -> str:
    """Every column of every table."""
    parts = []
    for name, schema in SCHEMAS.items():
        rows = [(f"`{column.name}`", column.unit, column.description) for column in schema]
        parts.append(f"### {name}\n\n{_table(('column', 'unit', 'meaning'), rows)}")
    return "\n\n".join(parts)


def flags() -> str:
    """Every flag."""
    rows = [
        (f"`{str(flag.name).lower()}`", flag.value, meaning)
        for flag, meaning in FLAG_MEANING.items()
    ]
    return _table(("flag", "bit", "meaning"), rows)


def layers() -> str:
    """The import contract: what may import what is below it."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "```text\n" + "\n".join(row.replace("|", "  ") for row in rows) + "\n```"


def media() -> str:
    """Every liquid whose viscosity is known."""
    mixtures = [mixture.at(10) for mixture in MIXTURES.values()]
    rows = [
        (
            f"`{medium.name}`",
            *(f"{medium.viscosity_mpas(degc):.3f}" for degc in (20, 25, 37)),
            f"{100 * medium.relative_error:.1f} %",
            medium.source,
        )
        for medium in (*MEDIA.values(), *mixtures)
    ]
    head = ("liquid", "mPa s at 20 degC", "at 25 degC", "at 37 degC", "standard error", "source")
    return _table(head, rows)


def commands() -> str:
    """Every command with its arguments and options."""
    parts = []
    for command in app.registered_commands:
        function: Any = command.callback
        hints = get_type_hints(function, include_extras=True)
        declared = [
            (name, *get_args(hint)) for name, hint in hints.items() if len(get_args(hint)) > 1
        ]
        arguments = [one for one in declared if isinstance(one[2], ArgumentInfo)]
        options = [one for one in declared if isinstance(one[2], OptionInfo)]
        usage = " ".join(["evsize", function.__name__, *(_argument(*one) for one in arguments)])
        rows = [(_code(_argument(*one)), one[2].help) for one in arguments]
        rows += [(_code(_option(*one)), one[2].help) for one in options]
        text = inspect.cleandoc(function.__doc__)
        table = _table(("argument", "meaning"), rows)
        parts.append(f"## {function.__name__}\n\n`{usage} [OPTIONS]`\n\n{text}\n\n{table}")
    return "\n\n".join(parts)


def _code(text: str) -> str:
    # a bar between backticks would end the cell, or keep its backslash
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def _argument(name: str, _: object, about: ArgumentInfo) -> str:
    return str(about.metavar or name.upper())


def _option(name: str, kind: Any, about: OptionInfo) -> str:
    # typer takes the first name that is given for a default
    named = [one for one in (about.default, *(about.param_decls or ())) if str(one)[:1] == "-"]
    flags = ", ".join(named) or f"--{name.replace('_', '-')}"
    if kind is bool:
        return flags
    literal = [one for one in (kind, *get_args(kind)) if get_origin(one) is Literal]
    choices = "|".join(str(choice) for one in literal for choice in get_args(one))
    return f"{flags} {about.metavar or choices or name.upper()}"


TABLES: Mapping[str, Callable[[], str]] = {
    made.__name__: made for made in (settings, columns, flags, layers, media, commands)
}
