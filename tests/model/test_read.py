"""From a manifest to files: what we write, what others write, and what lies."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput, UnusableArtifact
from modelpack.model.files import PackedFile
from modelpack.model.read import read_model
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from tests.model.making import FILES, manifest, packed

WEIGHT = "application/vnd.cncf.model.weight.v1.raw"
MODEL = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
OLD_MODEL = "application/vnd.cnai.model.manifest.v1+json"
OLD_CONFIG = "application/vnd.cnai.model.config.v1+json"
IMAGE = "application/vnd.oci.image.config.v1+json"

# What json.loads gives: the tests spoil it at will.
Json = dict[str, Any]


def layer(
    path: str = "w",
    content: bytes = b"w",
    kind: str = WEIGHT,
    more: Mapping[str, str] | None = None,
) -> Json:
    annotations = {"org.cncf.model.filepath": path} if path else {}
    return {
        "mediaType": kind,
        "digest": str(Digest.of(content)),
        "size": len(content),
        "annotations": annotations | dict(more or {}),
    }


def document(*layers: Json, artifact: str = MODEL, config: str = CONFIG) -> Json:
    return {
        "schemaVersion": 2,
        "artifactType": artifact,
        "config": {"mediaType": config, "digest": str(Digest.of(b"{}")), "size": 2},
        "layers": list(layers),
    }


def read(written: Json) -> tuple[PackedFile, ...]:
    return read_model(Manifest.parse(json.dumps(written).encode()))


@pytest.mark.parametrize("split", [0, 1, 7, 1000, 10_000])
def test_what_we_write_we_read(split: int) -> None:
    files = {path: content[:5000] for path, content in FILES.items()}
    files["model.safetensors"] = FILES["model.safetensors"]
    if split == 1:
        files = {"two.bin": b"\xff\1"}
    if split == 7:
        files["m"] = b"\xff" * 7 + b"\1" * 8
        del files["model.safetensors"]
    expected = [packed(path, content, split) for path, content in files.items()]
    expected.sort(key=lambda file: file.path)
    assert list(read_model(manifest(files, split=split))) == expected


@pytest.mark.parametrize(
    ("artifact", "config"),
    [(MODEL, CONFIG), (OLD_MODEL, OLD_CONFIG), (MODEL, OLD_CONFIG), ("", CONFIG)],
)
@pytest.mark.parametrize("prefix", ["cncf", "cnai"])
def test_old_and_new_names_are_read_in_every_mix(
    artifact: str, config: str, prefix: str
) -> None:
    kind = f"application/vnd.{prefix}.model.weight.config.v1.raw"
    names = {
        f"org.{prefix}.model.filepath": "a/b",
        f"org.{prefix}.model.file.metadata+json": '{"mode":493,"typeflag":48}',
    }
    old = layer("", b"1", kind, names)
    (file,) = read(document(old, artifact=artifact, config=config))
    assert (file.path, file.executable, file.media_type) == ("a/b", True, kind)


def test_the_path_is_that_of_filepath_else_title_else_metadata() -> None:
    title = {"org.opencontainers.image.title": "title"}
    metadata = {"org.cncf.model.file.metadata+json": '{"name":"name"}'}
    for one, path in (
        (layer("path", more=title | metadata), "path"),
        (layer("", more=title | metadata), "title"),
        (layer("", more=metadata), "name"),
    ):
        assert [file.path for file in read(document(one))] == [path]


def test_an_empty_config_does_not_hide_a_model() -> None:
    empty = "application/vnd.oci.empty.v1+json"
    assert read(document(layer(), config=empty))[0].path == "w"


def test_decomposed_paths_are_composed() -> None:
    assert read(document(layer("mode\u0300le")))[0].path == "mod\u00e8le"


FOREIGN: Mapping[str, tuple[str, Json]] = {
    "ModelKit": (
        "KitOps ModelKit",
        document(artifact="", config="application/vnd.kitops.modelkit.config.v1+json"),
    ),
    "Docker": (
        "Docker model",
        document(
            artifact="", config="application/vnd.docker.ai.model.config.v0.2+json"
        ),
    ),
    "Ollama": (
        "Ollama model",
        document(
            layer(kind="application/vnd.ollama.image.model"),
            artifact="",
            config="application/vnd.docker.container.image.v1+json",
        ),
    ),
    "Helm": (
        "Helm chart",
        document(artifact="", config="application/vnd.cncf.helm.config.v1+json"),
    ),
    "image": ("container image", document(layer(), artifact="", config=IMAGE)),
    "Wasm": (
        "Wasm module",
        document(artifact="", config="application/vnd.wasm.config.v0+json"),
    ),
    "omlmd": (
        "OMLMD model",
        document(
            layer(kind="application/x-mlmodel"),
            artifact="",
            config="application/x-config",
        ),
    ),
    "bundle": (
        "Sigstore bundle",
        document(artifact="application/vnd.dev.sigstore.bundle.v0.3+json"),
    ),
    "cosign": (
        "cosign signature",
        document(
            layer(kind="application/vnd.dev.cosign.simplesigning.v1+json"),
            artifact="",
            config=IMAGE,
        ),
    ),
    "anything": ("'text/x-what'", document(layer(), artifact="text/x-what")),
}


@pytest.mark.parametrize(("name", "written"), FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_model_is_named(name: str, written: Json) -> None:
    with pytest.raises(UnusableArtifact, match=name) as caught:
        read(written)
    assert "cannot read it yet" in str(caught.value)


HOSTILE: Mapping[str, tuple[str, Json]] = {
    "no layers": ("layers", document()),
    "tar": (
        "layers[0].mediaType",
        document(layer(kind="application/vnd.cncf.model.weight.v1.tar")),
    ),
    "compressed": (
        "layers[1].mediaType",
        document(
            layer("v"), layer(kind="application/vnd.cnai.model.weight.v1.tar+gzip")
        ),
    ),
    "image layer": (
        "layers[0].mediaType",
        document(layer(kind="application/vnd.oci.image.layer.v1.tar")),
    ),
    "no path": ("layers[0].annotations", document(layer(""))),
    "no path in metadata": (
        "layers[0].annotations",
        document(layer("", more={"org.cncf.model.file.metadata+json": "{}"})),
    ),
    "absolute": (
        "layers[0].annotations.org.cncf.model.filepath",
        document(layer("/etc/passwd")),
    ),
    "parent": (
        "layers[1].annotations.org.cncf.model.filepath",
        document(layer("v"), layer("a/../../b")),
    ),
    "nul": (
        "layers[0].annotations.org.cncf.model.filepath",
        document(layer("a\0b")),
    ),
    "parent in title": (
        "layers[0].annotations.org.opencontainers.image.title",
        document(layer("", more={"org.opencontainers.image.title": "../b"})),
    ),
    "parent in metadata": (
        "layers[0].annotations.org.cncf.model.file.metadata+json",
        document(
            layer("", more={"org.cncf.model.file.metadata+json": '{"name":"../b"}'})
        ),
    ),
    "metadata that is not JSON": (
        "layers[0].annotations.org.cncf.model.file.metadata+json",
        document(layer("a", more={"org.cncf.model.file.metadata+json": "{"})),
    ),
    "a symlink": (
        "layers[0].annotations.org.cncf.model.file.metadata+json.typeflag",
        document(
            layer("a", more={"org.cncf.model.file.metadata+json": '{"typeflag":50}'})
        ),
    ),
    "one name twice": ("'w'", document(layer(), layer())),
    "two cases of a name": ("'W'", document(layer("w"), layer("W"))),
    "a file as a folder": ("'w/x'", document(layer("w/x"), layer("w"))),
    "one digest of two sizes": ("'x'", document(layer("w"), layer("x") | {"size": 2})),
}


@pytest.mark.parametrize(("where", "written"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_manifest_is_refused_by_field(where: str, written: Json) -> None:
    with pytest.raises(UnusableArtifact) as caught:
        read(written)
    assert caught.value.where == where
    assert str(caught.value).isprintable()


def parts(content: bytes = b"aabbc", split: int = 2) -> Json:
    file = packed("m", content, split)
    return document(*(dict(layer.document()) for layer in file.layers))


def annotate(number: int, key: str, value: str) -> Callable[[Json], None]:
    def spoil(written: Json) -> None:
        annotations = dict(written["layers"][number]["annotations"])
        written["layers"][number]["annotations"] = annotations | {key: value}

    return spoil


def claim_size(value: str) -> Callable[[Json], None]:
    def spoil(written: Json) -> None:
        for number in range(len(written["layers"])):
            annotate(number, SIZE, value)(written)

    return spoil


def drop_annotation(written: Json) -> None:
    annotations = dict(written["layers"][1]["annotations"])
    del annotations["modelpack.part.size"]
    written["layers"][1]["annotations"] = annotations


def drop(number: int) -> Callable[[Json], None]:
    def spoil(written: Json) -> None:
        del written["layers"][number]

    return spoil


def swap_contents(written: Json) -> None:
    """Exchange a long and a short part, but not their names."""
    first, last = written["layers"][0], written["layers"][2]
    first["size"], last["size"] = last["size"], first["size"]


def repeat(written: Json) -> None:
    written["layers"].append(written["layers"][1])


def add(path: str) -> Callable[[Json], None]:
    def spoil(written: Json) -> None:
        written["layers"].append(layer(path, b"other"))

    return spoil


def empty_part(written: Json) -> None:
    written["layers"][1] |= {"size": 0, "digest": str(Digest.of(b""))}


SIZE, OFFSET = "modelpack.part.size", "modelpack.part.offset"
DIGEST, PATH = "modelpack.part.digest", "modelpack.part.path"
FILEPATH = "org.cncf.model.filepath"
BROKEN: Mapping[str, tuple[Callable[[Json], None], str]] = {
    "first missing": (drop(0), "gap before byte 2"),
    "middle missing": (drop(1), "gap before byte 4|the name"),
    "last missing": (drop(2), "are 4 bytes of 5|the name"),
    "part twice": (repeat, "the name"),
    "overlap": (annotate(1, OFFSET, "1"), "overlap at byte 1"),
    "gap": (annotate(2, OFFSET, "5"), "gap before byte 5"),
    "sizes exchanged": (swap_contents, "gap"),
    "total too large": (
        claim_size("6"),
        "of 6",
    ),
    "total too small": (
        claim_size("4"),
        "of 4",
    ),
    "two totals": (annotate(1, SIZE, "6"), "two sizes"),
    "two digests": (annotate(2, DIGEST, str(Digest.of(b"x"))), "two digests"),
    "empty part": (empty_part, "empty part"),
    "two media types": (
        lambda w: w["layers"][1].update(mediaType=WEIGHT.replace("weight", "doc")),
        "two media types",
    ),
    "two modes": (
        annotate(1, "org.cncf.model.file.metadata+json", '{"mode":493}'),
        "two modes",
    ),
    "an annotation missing": (drop_annotation, f"{SIZE}: missing"),
    "path with parent": (annotate(0, PATH, "../m"), "has a part"),
    "path of its own": (annotate(0, PATH, "n"), "parts of 'm'|parts of 'n'"),
    "negative": (annotate(0, OFFSET, "-1"), "whole number"),
    "padded": (annotate(0, OFFSET, "00"), "whole number"),
    "other digits": (annotate(0, OFFSET, "\u0660"), "whole number"),
    "endless number": (annotate(0, SIZE, "9" * 5000), "whole number"),
    "too large": (annotate(0, SIZE, str(1 << 63)), "whole number"),
    "not a digest": (annotate(0, DIGEST, "sha256:zz"), "not a digest"),
    "another name": (annotate(0, FILEPATH, "innocent"), "the name 'innocent'"),
    "a file of that name": (add("m"), "same name"),
    "a file of a part's name": (add("m.part-00002-of-00003"), "same name"),
    "a file below it": (add("m/x"), "lies inside"),
}


@pytest.mark.parametrize(("spoil", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_parts_that_do_not_add_up_are_refused(
    spoil: Callable[[Json], None], message: str
) -> None:
    written = parts()
    assert [file.size for file in read(written)] == [5]
    spoil(written)
    with pytest.raises(UnusableArtifact, match=message) as caught:
        read(written)
    assert str(caught.value).isprintable()


def test_parts_may_stand_in_any_order() -> None:
    written = parts()
    written["layers"].reverse()
    assert read(written) == read(parts())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
part_annotations = st.dictionaries(
    st.sampled_from([SIZE, OFFSET, DIGEST, PATH, FILEPATH])
    | st.sampled_from(["org.cncf.model.file.metadata+json"]),
    st.sampled_from(["m", "0", "1", "2", "m.part-00001-of-00001", "{}"])
    | st.just(str(Digest.of(b"a")))
    | st.text(max_size=8)
    | json_values.map(json.dumps),
)
layers = st.lists(
    st.builds(
        lambda content, annotations: layer("w", content) | {"annotations": annotations},
        st.sampled_from([b"", b"a", b"bb"]),
        part_annotations,
    ),
    max_size=4,
)


@given(layers)
def test_reading_raises_nothing_but_unusable_artifact(layers: list[Json]) -> None:
    with contextlib.suppress(UnusableArtifact):
        for file in read(document(*layers)):
            assert sum(piece.descriptor.size for piece in file.pieces) == file.size


@given(json_values)
def test_any_document_raises_nothing_but_invalid_input(value: object) -> None:
    with contextlib.suppress(InvalidInput):
        read(document() | {"layers": value})


def test_ten_thousand_layers_are_read_and_one_more_is_not() -> None:
    written = document(*(layer(str(number)) for number in range(10_000)))
    assert len(read(written)) == 10_000
    written["layers"].append(layer("x"))
    with pytest.raises(InvalidInput, match="layers"):
        read(written)
