"""An ImageValidatingPolicy that is ready to judge.

Kyverno 1.19, ``pkg/image/verification/evaluator``: the numbered steps are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from modelpack.attestation.predicates import TYPES
from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import Program
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import BOOL, DYN, INT, STRING, list_of
from modelpack.policy.evaluation.checks import Attested, Checks
from modelpack.policy.evaluation.environment import (
    Compiler,
    reference_environment,
    verification_types,
)
from modelpack.policy.evaluation.evidence import Signed
from modelpack.policy.evaluation.validations import (
    Broken,
    Conditions,
    Scope,
    Validations,
    values_of,
)
from modelpack.policy.glob import Glob
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.policy import ImageValidatingPolicy, Named
from modelpack.policy.kyverno.reading import Expression
from modelpack.policy.request import Payload, Request, Resource

__all__ = ["ImageOutcome", "ReadyImagePolicy"]

_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_LISTS: Final = (list_of(STRING), list_of(DYN), DYN)
_TEMPLATES: Final = {
    Resource("", "v1", "pods"): "spec",
    Resource("batch", "v1", "jobs"): "spec.template.spec",
    Resource("apps", "v1", "deployments"): "spec.template.spec",
    Resource("apps", "v1", "statefulsets"): "spec.template.spec",
    Resource("apps", "v1", "daemonsets"): "spec.template.spec",
    Resource("apps", "v1", "replicasets"): "spec.template.spec",
    Resource("batch", "v1", "cronjobs"): "spec.jobTemplate.spec.template.spec",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOutcome:
    """What came of one policy: None as ``broken`` where everything holds.

    ``images`` are those that it is about, and ``verified`` those that it verified;
    ``named`` those that its own extractors found besides. ``disputed`` says
    what would not hold if Kyverno looked at another of several statements of a type.
    """

    broken: Broken | None = None
    image: str = ""
    images: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()
    disputed: str = ""


@dataclass(slots=True)
class _Run:
    """One evaluation, which the functions of an environment find here."""

    checks: Checks
    attested: Attested = field(default_factory=Attested)
    verified: dict[str, None] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Self:
        """Return the evaluation that goes on in this thread."""
        run = _RUN.get()
        if not isinstance(run, cls):
            raise CelError("images can only be looked at in validations")
        return run


_RUN: ContextVar[_Run | None] = ContextVar("run", default=None)


class ReadyImagePolicy:
    """A policy whose expressions are compiled. For many threads."""

    def __init__(
        self, policy: ImageValidatingPolicy, now: Callable[[], datetime]
    ) -> None:
        self.policy = policy
        common = policy.common
        self._attestors = {each.name: each for each in policy.attestors}
        self._attestations = {each.name: each.type for each in policy.attestations}
        self._references = _compiled_references(policy.references)
        self._compiler = Compiler(
            json_mode=common.json_mode,
            variables=common.variables,
            functions=self._functions(),
            more=verification_types(),
            now=now,
        )
        self.conditions = Conditions.compile(self._compiler, common.conditions)
        self._validations = Validations.compile(self._compiler, common)
        self._own = _extractors(self._compiler, policy.images)
        # Compiled for the kinds of objects that come, and then kept.
        self._builtin: dict[Resource, Mapping[str, Program]] = {}

    def compile_conditions(self, conditions: tuple[Named, ...]) -> Conditions:
        """Compile the conditions of an exception, which may use what these may."""
        return Conditions.compile(self._compiler, conditions)

    def scope(self, asked: Request | Payload) -> Scope:
        """Return the variables that a request gives values to."""
        return Scope(self._compiler, values_of(asked))

    def images_of(self, asked: Request | Payload) -> tuple[str, ...]:
        """Return the images of a request that the policy is about; ``CelError``."""
        images, _, _ = self._extracted(self.scope(asked), asked)
        return tuple(images)

    def evaluate(self, asked: Request | Payload, checks: Checks) -> ImageOutcome:
        """Judge one request.

        Raises ``CelError`` or ``ModelpackError`` where it cannot be judged: an error of
        the policy, which refuses.

        1. Images are extracted, and those that ``matchImageReferences`` leaves out are
           dropped.
        2. Each has to be named by digest, unless ``verifyDigest`` is false.
        3. Each has to be there.
        4. The validations, in order. Whether each image was verified (``required``) is
           asked when all policies have been evaluated.
        5. Where there are several statements of one type, Kyverno looks at the last:
           here each of the others, in its place, has to satisfy the validations too.
        """
        run = _Run(checks)
        found = self._judged(asked, run)
        if found.broken is not None:
            return found
        for other in run.attested.others():
            again = _Run(checks, Attested(instead=dict([other])))
            broken = self._judged(asked, again).broken
            if broken is not None:
                (image, kind), _ = other
                said = f"{image} has several statements {kind}, one of which fails"
                return ImageOutcome(
                    images=found.images,
                    named=found.named,
                    verified=found.verified,
                    disputed=f"{said}: {broken.rule}: {broken.message}",
                )
        return found

    def _judged(self, asked: Request | Payload, run: _Run) -> ImageOutcome:
        token = _RUN.set(run)
        try:
            found = self._evaluated(asked, run)
        finally:
            _RUN.reset(token)
        if run.checks.fault is not None:
            raise run.checks.fault
        return found

    def _evaluated(self, asked: Request | Payload, run: _Run) -> ImageOutcome:
        scope = self.scope(asked)
        images, by_name, named = self._extracted(scope, asked)
        if self.policy.verify_digest:
            for image in images:
                if ImageReference.parse(image).digest is None:
                    message = f"image {image} does not have a digest"
                    return ImageOutcome(
                        broken=Broken("verifyDigest", message),
                        image=image,
                        images=tuple(images),
                        named=named,
                    )
        for image in images:
            run.checks.image(image)
        scope.add("images", by_name)
        scope.add("attestations", {name: name for name in self._attestations})
        scope.add("attestors", {name: {"name": name} for name in self._attestors})
        return ImageOutcome(
            broken=self._validations.broken(scope),
            images=tuple(images),
            named=named,
            verified=tuple(run.verified),
        )

    def _builtin_of(self, resource: Resource) -> Mapping[str, Program]:
        """Return Kyverno's own extractors for a kind of object, if it has any."""
        if resource not in self._builtin:
            path = _TEMPLATES.get(resource)
            named = () if path is None else _builtin_extractors(path)
            self._builtin[resource] = _extractors(self._compiler, named)
        return self._builtin[resource]

    def _extracted(
        self, scope: Scope, asked: Request | Payload
    ) -> tuple[list[str], Mapping[str, list[str]], tuple[str, ...]]:
        programs = dict(self._own)
        if isinstance(asked, Request):
            programs = {**self._builtin_of(asked.resource), **programs}
        by_name: dict[str, list[str]] = {}
        images: list[str] = []
        named: list[str] = []
        for name, program in programs.items():
            found = _texts(scope.evaluate(program), name)
            by_name[name] = [image for image in found if self.is_about(image)]
            images += by_name[name]
            named += found if name in self._own else ()
        return images, by_name, tuple(dict.fromkeys(named))

    def is_about(self, image: str) -> bool:
        """Whether ``matchImageReferences`` covers an image; no list covers all."""
        return not self._references or any(
            each.matches(image)
            if isinstance(each, Glob)
            else each.evaluate({"ref": image}) is True
            for each in self._references
        )

    def _functions(self) -> Sequence[Function]:
        attestors = list_of(DYN)
        return (
            function(
                "verifyImageSignatures", (STRING, attestors), INT, self._signatures
            ),
            function(
                "verifyAttestationSignatures",
                (STRING, STRING, attestors),
                INT,
                self._statements,
            ),
            function("extractPayload", (STRING, STRING), DYN, self._payload),
        )

    def _signatures(self, image: str, attestors: Sequence[object]) -> int:
        """Count the attestors that have signed an image.

        As in Kyverno every statement counts as a signature, where there are bundles.
        """
        return self._counted(
            image, attestors, lambda signed: bool(signed.statements) or signed.older
        )

    def _statements(
        self, image: str, attestation: str, attestors: Sequence[object]
    ) -> int:
        """Count the attestors that have signed a statement of some type."""
        named = self._type_of(attestation)
        kind = TYPES.get(named, named)

        def holds(signed: Signed) -> bool:
            found = [
                each
                for each in signed.statements
                if each.statement.predicate_type == kind
            ]
            # Kyverno stops at a predicate that is no object.
            if signed.unreadable or not found:
                return False
            _Run.here().attested.add(image, found)
            return True

        return self._counted(image, attestors, holds)

    def _counted(
        self,
        image: str,
        attestors: Sequence[object],
        holds: Callable[[Signed], bool],
    ) -> int:
        names = [_name_of(attestor) for attestor in attestors]
        if not self.is_about(image):
            return 0
        run = _Run.here()
        run.checks.image(image)
        count = 0
        for name in names:
            if name not in self._attestors:
                raise CelError(f"there is no attestor {name!r}")
            count += holds(run.checks.signed(image, self._attestors[name]))
        if names:
            run.checks.record(image, held=count > 0)
        if count:
            run.verified[image] = None
        return count

    def _payload(self, image: str, attestation: str) -> object:
        kind = self._type_of(attestation)
        run = _Run.here()
        run.checks.image(image)
        return run.attested.payload(image, kind)

    def _type_of(self, attestation: str) -> str:
        if attestation not in self._attestations:
            raise CelError(f"attestation not found in policy: {attestation}")
        return self._attestations[attestation]


def _compiled_references(
    references: Sequence[Glob | Expression],
) -> tuple[Glob | Program, ...]:
    if not any(isinstance(each, Expression) for each in references):
        return tuple(each for each in references if isinstance(each, Glob))
    environment = reference_environment()
    return tuple(
        each
        if isinstance(each, Glob)
        else environment.compile(each.source, where=each.where, result=BOOL)
        for each in references
    )


def _builtin_extractors(path: str) -> tuple[Named, ...]:
    # As in Kyverno, whose `object` is an empty map where something is deleted.
    holder = f"(object != null ? object : oldObject).{path}"
    return tuple(
        Named(
            name,
            Expression(f"{holder}.?{name}.orValue([]).map(e, e.image)", "extractors"),
        )
        for name in _CONTAINERS
    )


def _extractors(
    compiler: Compiler, extractors: Sequence[Named]
) -> Mapping[str, Program]:
    programs = {}
    for extractor in extractors:
        program = compiler.compile(extractor.expression)
        if program.type not in _LISTS:
            raise InvalidInput(
                f"the expression must be list(string), and is {program.type}",
                where=extractor.expression.where,
            )
        programs[extractor.name] = program
    return programs


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise CelError(f"images.{name}: is no list of texts")
    return value


def _name_of(attestor: object) -> str:
    name = attestor.get("name") if isinstance(attestor, dict) else None
    if not isinstance(name, str):
        raise CelError("is no attestor")
    return name
