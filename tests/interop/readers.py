"""The other tools of the field, each brought to write a model's files to a folder.

`reference` names a model in a registry on plain HTTP.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tests.interop.desk import Desk

_TITLE = "org.opencontainers.image.title"

Reader = Callable[[Desk, str, Path], None]
Copy = Callable[[Desk, str], Path]
"""Answers the image layout that it made; the tag there is `v1`."""


def oras_pull(desk: Desk, reference: str, into: Path) -> None:
    desk.peer("oras", "pull", "--plain-http", "--no-tty", "-o", into, reference)


def oras_copy(desk: Desk, reference: str, into: Path) -> None:
    """Copy to an image layout, and pull from there."""
    layout = oras_layout(desk, reference)
    desk.peer("oras", "pull", "--oci-layout", "--no-tty", "-o", into, f"{layout}:v1")


def oras_layout(desk: Desk, reference: str) -> Path:
    layout = desk.home / "oras-layout"
    copy = ("cp", "--from-plain-http", "--no-tty", reference)
    desk.peer("oras", *copy, "--to-oci-layout", f"{layout}:v1")
    return layout


def skopeo_copy(desk: Desk, reference: str, into: Path) -> None:
    """Copy to an image layout, and take it apart by hand."""
    layout = skopeo_layout(desk, reference)
    index = json.loads((layout / "index.json").read_bytes())
    (entry,) = index["manifests"]
    _write_layers(
        _blob(layout, entry["digest"]), into, lambda digest: _blob(layout, digest)
    )


def skopeo_layout(desk: Desk, reference: str) -> Path:
    layout = desk.home / "skopeo-layout"
    insecure = ("--insecure-policy", "--src-tls-verify=false")
    desk.peer("skopeo", "copy", *insecure, f"docker://{reference}", f"oci:{layout}:v1")
    return layout


def crane_blobs(desk: Desk, reference: str, into: Path) -> None:
    """Fetch the manifest, and each blob by its digest."""
    manifest = desk.peer("crane", "manifest", "--insecure", reference).out
    repository = reference.rpartition(":")[0]

    def fetch(digest: str) -> bytes:
        blob = f"{repository}@{digest}"
        return desk.peer("crane", "blob", "--insecure", blob).out

    _write_layers(manifest, into, fetch)


def crane_pull(desk: Desk, reference: str, into: Path) -> None:
    """Pull to an image layout, and take it apart by hand."""
    layout = desk.home / "crane-layout"
    desk.peer("crane", "pull", "--insecure", "--format", "oci", reference, layout)
    index = json.loads((layout / "index.json").read_bytes())
    (entry,) = index["manifests"]
    _write_layers(
        _blob(layout, entry["digest"]), into, lambda digest: _blob(layout, digest)
    )


def modctl_remote(desk: Desk, reference: str, into: Path) -> None:
    """Unpack straight from the registry, as the CSI driver does."""
    straight = ("--extract-from-remote", "--extract-dir", into)
    desk.peer("modctl", "pull", "--plain-http", *straight, *_modctl(desk), reference)


def modctl_store(desk: Desk, reference: str, into: Path) -> None:
    desk.peer("modctl", "pull", "--plain-http", *_modctl(desk), reference)
    desk.peer("modctl", "extract", reference, "--output", into, *_modctl(desk))


def kit_remote(desk: Desk, reference: str, into: Path) -> None:
    desk.peer("kit", "unpack", "--plain-http", *_kit(desk), "-d", into, reference)


def kit_store(desk: Desk, reference: str, into: Path) -> None:
    desk.peer("kit", "pull", "--plain-http", *_kit(desk), reference)
    desk.peer("kit", "unpack", *_kit(desk), "-d", into, reference)


ANY: tuple[Reader, ...] = (
    oras_pull,
    oras_copy,
    skopeo_copy,
    crane_blobs,
    crane_pull,
    modctl_remote,
    modctl_store,
)
"""Those that read every model that modelpack writes."""

KIT: tuple[Reader, ...] = (kit_remote, kit_store)
"""Those that find a layer by its digest alone: twins are one file to them."""

KEEP_MODES: tuple[Reader, ...] = (modctl_remote, modctl_store)
"""Those that restore which files may be run."""


def _modctl(desk: Desk) -> tuple[str | Path, ...]:
    folder = desk.home / "modctl"
    return "--no-progress", "--storage-dir", folder, "--log-dir", folder / "logs"


def _kit(desk: Desk) -> tuple[str | Path, ...]:
    return "--progress", "none", "--config", desk.home / "kit"


def _write_layers(manifest: bytes, into: Path, fetch: Callable[[str], bytes]) -> None:
    for layer in json.loads(manifest)["layers"]:
        path = into / layer["annotations"][_TITLE]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fetch(layer["digest"]))


def _blob(layout: Path, digest: str) -> bytes:
    algorithm, _, value = digest.partition(":")
    return (layout / "blobs" / algorithm / value).read_bytes()
