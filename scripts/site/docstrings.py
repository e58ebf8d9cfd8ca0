"""Docstrings as they are written here, brought to what numpydoc reads.

Ours are read as text: arguments may be listed under no head, paragraphs may follow a section, and a
star or a bar is what it is. numpydoc wants heads, sections last, and markup escaped.
"""

import re

#: Sections, in the order in which they are shown.
SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Warns", "Notes", "Examples")
_ENTRY = re.compile(r"(?P<name>[\w*`\"][\w*`\"', ()./=-]*?) : (?P<text>.*)")
_CODE = re.compile(r"(`[^`]*`)")


def numpydoc(lines):
    """The lines of a docstring, for numpydoc."""
    text, sections = [], {}
    verbatim = False
    for block in _blocks(lines):
        head = _head(block)
        if head:
            verbatim = head == "Examples"
            sections.setdefault(head, [])
            block = block[2:]
        elif not verbatim:
            before, entries = _split(block)
            text += [*map(_escaped, before), ""]
            block, head = entries, "Parameters"
        if verbatim:
            sections["Examples"] += [*block, ""]
        elif block:
            sections.setdefault(head, []).extend(_entries(block))
    for name in SECTIONS:
        if sections.get(name):
            text += [name, "-" * len(name), *sections[name], ""]
    return text


def _blocks(lines):
    """Runs of lines without an empty one between them."""
    block = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line.rstrip())
        elif block:
            yield block
            block = []


def _head(block):
    """The name of the section that a block begins, or None."""
    if len(block) > 1 and block[0] in SECTIONS and set(block[1]) == {"-"}:
        return block[0]
    return None


def _split(block):
    """(lines of text, lines of entries): a block's entries are last, each may go on indented."""
    for i, line in enumerate(block):
        if _ENTRY.fullmatch(line) and all(
            one.startswith(" ") or _ENTRY.fullmatch(one) for one in block[i:]
        ):
            return block[:i], block[i:]
    return block, []


def _entries(block):
    """name, and what is said of it below, indented; lines that name nothing as they are."""
    for line in block:
        entry = _ENTRY.fullmatch(line)
        for name, said in _pieces(line) if entry else ():
            yield from (name, f"    {_escaped(said)}")
        if not entry:
            yield f"    {_escaped(line.strip())}" if line.startswith(" ") else line


def _pieces(line):
    """(name, text) of the one or several entries of a line: `a : this; b : that`."""
    parts = re.split(r"; (?=[\w, ]+ : )", line)
    return [tuple(part.split(" : ", 1)) for part in parts]


def _escaped(line):
    """A line in which nothing but code in backticks is markup."""
    parts = _CODE.split(line.replace("\\", "\\\\") if "`" not in line else line)
    return "".join(
        part if part.startswith("`") else re.sub(r"[*|]|(?<=\w)_(?!\w)", r"\\\g<0>", part)
        for part in parts
    )
