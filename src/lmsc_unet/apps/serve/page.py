"""The web page, if the package holds one: its files are listed once, so no request's path names a file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

PAGE = Path(__file__).parent / "page"
"""The folder of the page; built and copied here before a wheel is made."""
PAGE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": (
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
            "img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    }
)
"""Headers of the page's files, beside those of every answer."""


def page_files(folder: Path = PAGE) -> dict[str, Path]:
    """The files of the page by their paths in requests; `/` is index.html."""
    files = {
        "/" + path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    return {"/": files["/index.html"], **files} if "/index.html" in files else {}
