"""Carry a case out: the folders, artifacts and checks round the runs it measures."""

import filecmp
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Action, Case, Data
from benchmarks.measure import Failed, Sample, run, warm
from benchmarks.peers import PROGRAMS, Command, Job, Program
from benchmarks.signed import Signed
from benchmarks.sites import Site, isolated, open_site

_WRITE = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A folder to work in. Data stays there for the next time, all else goes."""

    folder: Path

    def files(self, data: Data) -> Path:
        """Answer the directory with the data, made if it is not there yet."""
        made = self.folder / "data" / data.name
        if not made.exists():
            unfinished = made.with_name(f"{made.name}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            for number in range(data.count):
                _fill(unfinished / f"model-{number}.bin", data.size)
            unfinished.rename(made)
        return made

    @contextmanager
    def sampler(self, case: Case) -> Iterator[Callable[[Program], Sample]]:
        """Prepare what the case's runs share; yield what measures one run."""
        files = self.files(case.data)
        with self._scratch() as folder:
            if case.action is Action.START:
                yield lambda program: _start(program, folder)
            elif case.action is Action.VERIFY:
                with open_site(folder / "registry", case.link) as site:
                    yield Signed.prepare(case, site, folder).verify
            elif case.action is Action.PUSH:
                yield lambda program: self._push(program, case, files)
            else:
                with open_site(folder / "registry", case.link) as site:
                    runs = _Runs(case=case, files=files, site=site, folder=folder)
                    yield runs.again if case.action.repeats else runs.pull

    def _push(self, program: Program, case: Case, files: Path) -> Sample:
        # distribution takes no blob twice, so that each push has its own.
        with self._scratch() as folder, open_site(folder / "site", case.link) as site:
            runs = _Runs(case=case, files=files, site=site, folder=folder)
            warm(files)
            return runs.push(program, folder / "home")

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        parent = self.folder / "runs"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            yield Path(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """The runs that share one registry."""

    case: Case
    files: Path
    site: Site
    folder: Path

    def push(self, program: Program, home: Path, *, direct: bool = False) -> Sample:
        if program.push is None:
            raise Failed(f"{program.name} cannot push files")
        return self._run(program.push, _repository(program), home, direct=direct)

    def pull(self, program: Program) -> Sample:
        """Pull into an empty directory what was pushed before the first run."""
        first = self._seed(program)
        warm(self.site.storage)
        home = self.folder / "home"
        if program.pull is None:
            raise Failed(f"{program.name} cannot pull files")
        try:
            sample = self._run(program.pull, _repository(program), home)
            if program.delivers_files:
                _check(self.files, home / "target", bytewise=first)
        finally:
            shutil.rmtree(home, ignore_errors=True)
        return sample

    def again(self, program: Program) -> Sample:
        """Do once more what was done before the first run, in the same home."""
        home = self.folder / f"home-{program.name}"
        if program.pull is None:
            raise Failed(f"{program.name} cannot pull files")
        if self._seed(program) and not self.case.action.pushes:
            self._run(program.pull, _repository(program), home)
        warm(self.files)
        if self.case.action.pushes:
            return self.push(program, home)
        sample = self._run(program.pull, _repository(program), home)
        _check(self.files, home / "target", bytewise=False)
        return sample

    def _seed(self, program: Program) -> bool:
        """Push what is to be pulled, past the link; False where it is there."""
        repeats = self.case.action.repeats
        home = self.folder / f"{'home' if repeats else 'seed'}-{program.name}"
        if home.exists():
            return False
        writer = program if program.push else PROGRAMS["oras"]
        self.push(writer, home, direct=True)
        if not repeats:  # the stores of kit are as large as the files
            shutil.rmtree(home)
            home.mkdir()
        return True

    def _run(
        self,
        commands: Callable[[Job], list[Command]],
        repository: str,
        home: Path,
        *,
        direct: bool = False,
    ) -> Sample:
        environment = self.site.environment(home)
        host = self.site.direct if direct else self.site.host
        job = Job(
            reference=f"{host}/{repository}:v1",
            files=self.files,
            target=home / "target",
            scratch=home,
            plain_http=self.site.plain_http,
            split=self.case.split,
        )
        return run(commands(job), environment)


def _start(program: Program, folder: Path) -> Sample:
    command = Command(arguments=[str(program.executable), *program.start])
    return run([command], isolated(folder / "home"))


def _repository(program: Program) -> str:
    return f"benchmark/{program.name if program.push else 'oras'}"


def _check(files: Path, target: Path, *, bytewise: bool) -> None:
    """Refuse a pull that did not deliver: it would be the fastest of all."""
    for file in files.iterdir():
        pulled = target / file.name
        if not pulled.is_file() or pulled.stat().st_size != file.stat().st_size:
            raise Failed(f"{file.name} was not delivered")
        if bytewise and not filecmp.cmp(file, pulled, shallow=False):
            raise Failed(f"{file.name} was altered")


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, _WRITE):
            file.write(os.urandom(min(_WRITE, size - start)))
