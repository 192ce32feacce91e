"""A real browser without a window, and a server that notes what it asks for."""

import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tests.interop.peers import program

# Chromium's own connections would be refused one by one in a room without a network.
_QUIET: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_SCHEMES: Final = {"dark": 0, "light": 1}
Pixels = NDArray[np.uint8]


@dataclass(slots=True)
class Site:
    """One page on loopback; ``asked`` are the paths that were asked for."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def site(page: bytes) -> Iterator[Site]:
    """Serve a page as `/`, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page if self.path == "/" else b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Site(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def shoot(
    url: str,
    folder: Path,
    *,
    scheme: Literal["dark", "light"] = "light",
    width: int = 1200,
    height: int = 900,
) -> Pixels:
    """Return a page as a person with this scheme sees it, as rows of RGB."""
    picture = folder / f"{scheme}-{width}.png"
    _browse(
        url,
        folder,
        f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}",
        f"--window-size={width},{height}",
        f"--screenshot={picture}",
    )
    return _png(picture.read_bytes())


def dom(url: str, folder: Path) -> str:
    """Return a page as the browser has understood it."""
    return _browse(url, folder, "--dump-dom")


def printed(url: str, folder: Path) -> bytes:
    """Return a page as it is printed: a PDF."""
    _browse(url, folder, f"--print-to-pdf={folder / 'page.pdf'}")
    return (folder / "page.pdf").read_bytes()


def _browse(url: str, folder: Path, *flags: str) -> str:
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [program("chromium"), *_QUIET, profile, *flags, url],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def _png(raw: bytes) -> Pixels:
    """Decode what Chromium writes: eight bits each of RGB or RGBA, not interlaced."""
    at, parts, width, height, channels = 8, [], 0, 0, 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4])
        kind, body = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
            assert (body[8], body[12]) == (8, 0)
            channels = {2: 3, 6: 4}[body[9]]
        elif kind == b"IDAT":
            parts.append(body)
        at += size + 12
    lines = np.frombuffer(zlib.decompress(b"".join(parts)), np.uint8)
    lines = lines.reshape(height, 1 + width * channels)
    above = np.zeros((width, channels), np.int32)
    rows = []
    for line in lines:
        above = _unfiltered(line[0], line[1:].reshape(width, channels), above)
        rows.append(above.astype(np.uint8))
    return np.stack(rows)[:, :, :3]


def _unfiltered(kind: int, line: Pixels, above: NDArray[np.int32]) -> NDArray[np.int32]:
    """PNG 1.2, section 6."""
    values = line.astype(np.int32)
    if kind == 0:
        return values
    if kind == 1:
        return np.cumsum(values, axis=0) % 256
    if kind == 2:
        return (values + above) % 256
    left = np.zeros(values.shape[1], np.int32)
    corner = left
    for x, value in enumerate(values):
        up = above[x]
        guess = (left + up) // 2 if kind == 3 else _paeth(left, up, corner)
        values[x] = left = (value + guess) % 256
        corner = up
    return values


def _paeth(
    left: NDArray[np.int32], up: NDArray[np.int32], corner: NDArray[np.int32]
) -> NDArray[np.int32]:
    near = left + up - corner
    a, b, c = abs(near - left), abs(near - up), abs(near - corner)
    return np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
