"""Reads a page as a program can: its text, table rows, links and script."""

from __future__ import annotations

from html.parser import HTMLParser


class Reader(HTMLParser):
    """Collects what a page holds.

    Attributes
    ----------
    text : str
        All text but script and style; `words` has it with single spaces.
    rows : dict of str to list of str
        Cells of each table row, by the words of its heading cell; the first of a name.
    downloads : dict of str to str
        Addresses by file name.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.script, self.policy, self.curve = "", "", "", ""
        self.tags: list[str] = []
        self.links: list[str] = []
        self.downloads: dict[str, str] = {}
        self.rows: dict[str, list[str]] = {}
        self._cells: list[str] = []
        self._open = ""
        self.feed(page)

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.links += [found[name] for name in ("src", "href") if name in found]
        self.policy = found["content"] if "http-equiv" in found else self.policy
        self.curve = found.get("data-points", self.curve)
        if "download" in found:
            self.downloads[found["download"]] = found["href"]
        if tag in ("script", "style"):
            self._open = tag
        if tag == "tr":
            self._cells = []
        if tag in ("td", "th"):
            self._cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open = ""
        if tag == "tr" and self._cells:
            head, *others = (" ".join(cell.split()) for cell in self._cells)
            self.rows.setdefault(head, others)
        if tag in ("tr", "table"):
            self._cells = []

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.script += data
        elif not self._open:
            self.text += data
            if self._cells:
                self._cells[-1] += data
