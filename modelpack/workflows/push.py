"""Publish a model: every file as a blob, then the config, then the manifest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from modelpack.errors import InvalidInput, NotFound
from modelpack.formats.window import Window
from modelpack.model.build import Description, build_config, build_manifest
from modelpack.model.facts import FileFacts, combine, examine
from modelpack.model.files import PackedFile, pack, split_points
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest, parse_any
from modelpack.oci.store import Blocks, Store, blocks_of
from modelpack.transfer.crew import Crew, Task
from modelpack.transfer.progress import (
    Began,
    Done,
    Listener,
    Moved,
    Planned,
    Restarted,
)
from modelpack.transfer.upload import ChunkedUpload, PatchRefused, Sending
