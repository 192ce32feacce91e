"""Push a sparse file of 50 GiB to a store that keeps nothing: the peak memory.

`python -m benchmarks.memory [GIB]`. The whole push runs, but for the network: the
file is listed, opened, read, hashed and handed on block by block. The figure is
this process's own, so that it starts as a small one.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from modelpack.disk.digests import DigestCache
from modelpack.disk.source.parcels import LocalParcel
from modelpack.disk.source.tree import list_model
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document
from modelpack.oci.memory import MemoryStore
from modelpack.oci.patience import Patience
from modelpack.oci.store import Blocks
from modelpack.transfer.crew import Crew, Stop, Width
from modelpack.transfer.progress import nobody
from modelpack.transfer.send import Sender
from modelpack.transfer.upload import NoSessions, Sending
from modelpack.workflows.push import Packing, push

_GIB = 1 << 30
_KIB = 1 << 10


class NullUpload:
    """Takes every byte and keeps none."""

    session = "null"
    smallest_chunk = 0

    def __init__(self) -> None:
        self.offset = 0

    def append(self, blocks: Blocks, size: int) -> None:
        for block in blocks(self.offset, self.offset + size):
            self.offset += len(block)

    def sync(self) -> int:
        return self.offset

    def commit(self, digest: Digest) -> None:
        """Take the sender's word for it."""
        del digest

    def cancel(self) -> None:
        """Keep nothing, as before."""


class NullStore(MemoryStore):
    """A store that forgets every blob, and believes that its manifests have theirs."""

    def begin(self, session: str = "") -> NullUpload:  # type: ignore[override]
        del session
        return NullUpload()

    def put_manifest(self, document: Document, tag: str = "") -> None:
        """Take a manifest whose layers are gone."""


def main(size: int) -> None:
    """Print what a push of one sparse file took."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model", "weights.bin")
        file.parent.mkdir()
        with file.open("wb") as sparse:
            sparse.truncate(size)
        started = time.monotonic()
        stop = Stop()
        crew = Crew(Width(None), stop)
        sender = Sender(
            store=NullStore(),
            sending=Sending(
                patience=Patience(stop.wait), check=stop.check, sessions=NoSessions()
            ),
            notify=nobody,
            width_moved=crew.width.moved,
        )
        cache = DigestCache(
            Path(folder, "digests"), clock=time.time_ns, warn=lambda _: None
        )
        parcels = [LocalParcel(f, cache) for f in list_model(file.parent)]
        push(parcels, Packing(), sender, crew, tag="1")
        elapsed = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
    print(f"{size / _GIB:.0f} GiB in {elapsed:.0f} s, peak {peak / (1 << 20):.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1] if len(sys.argv) > 1 else "50") * _GIB)
