"""What all made pages have in common: where they go, and that only those that changed are new."""

import shutil

from scripts.site import copies, models, objects


def write(folder):
    """Make all pages of the site that are made, in a folder of their own (a Path).

    What is there and has not changed stays as it is, so that a site is built anew in parts; what
    is there and not made any more is removed.
    """
    pages = copies.pages() | models.pages() | objects.pages()
    for name, text in pages.items():
        path = folder / name
        text = text if isinstance(text, bytes) else text.encode()
        if not path.exists() or path.read_bytes() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for path in folder.iterdir():
        if path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)
