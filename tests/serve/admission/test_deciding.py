"""Equal questions are judged once, the queue is bounded, deadlines hold."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import pytest

from modelpack.errors import RegistryError
from modelpack.policy.objects import model_references
from modelpack.serve.admission.asking import Question, ask
from modelpack.serve.admission.deciding import ERROR_LIFETIME, Decider, Limits
from modelpack.serve.admission.decision import Judgement
from modelpack.serve.admission.review import Review
from tests.serve.admission.scene import BAD, GOOD, Bench, Json, pod, review, serving


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Made(Protocol):
    def __call__(self, clock: Clock, **limits: float) -> Decider: ...


@pytest.fixture
def decider() -> Iterator[Made]:
    """Make deciders that end with the test."""
    with ExitStack() as stack:

        def make(clock: Clock, **limits: float) -> Decider:
            made = Decider(
                limits=Limits(**limits),  # type: ignore[arg-type]
                clock=clock,
                fault=lambda _: None,
            )
            stack.callback(made.close)
            return made

        yield make


def question(body: Json, judge: Bench) -> Question:
    request = cast("Json", body["request"])
    parsed = Review(
        uid="",
        operation=str(request["operation"]),
        kind="Pod",
        namespace="ml",
        name="",
        user="",
        object=cast("Json", request["object"]),
        old_object={},
        document=request,
    )
    asked = ask(parsed, judge, model_references)
    assert isinstance(asked, Question)
    return asked


def test_an_answer_is_kept_for_its_lifetime_and_no_longer(decider: Made) -> None:
    clock, judge = Clock(), Bench(lifetime=60)
    decide = decider(clock)
    asked = question(review(pod(GOOD)), judge)
    found = []
    for seconds in (0.0, 59.9, 0.2):
        clock.now += seconds
        found.append(decide.decide(asked, judge, 10).found)
    assert found == ["", "kept", ""]
    assert len(judge.asked) == 2


def test_no_lifetime_is_longer_than_the_limit_and_errors_live_for_seconds(
    decider: Made,
) -> None:
    clock, judge = Clock(), Bench(lifetime=1e9)
    decide = decider(clock, lifetime=300)
    asked = question(review(pod(GOOD)), judge)
    decide.decide(asked, judge, 10)
    clock.now += 300
    judge.fault = RegistryError("away")
    assert not decide.decide(asked, judge, 10).admitted
    judge.fault = None
    clock.now += ERROR_LIFETIME - 0.1
    assert decide.decide(asked, judge, 10).found == "kept"
    clock.now += 0.2
    assert decide.decide(asked, judge, 10).admitted


def test_without_a_lifetime_every_question_is_judged(decider: Made) -> None:
    judge = Bench(lifetime=0)
    decide = decider(Clock())
    for _ in range(3):
        decide.decide(question(review(pod(GOOD)), judge), judge, 10)
    assert len(judge.asked) == 3


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (review(pod(GOOD, name="another"), name="another", uid="2"), True),
        (review(pod(GOOD, resourceVersion="7", ownerReferences=[{"uid": "1"}])), True),
        (review(pod(GOOD), userInfo={"username": "eve"}), True),
        (review(pod(GOOD, labels={"a": "b"})), False),
        (review(pod(GOOD), namespace="other"), False),
        (review(pod(GOOD), dryRun=True), False),
        (review(pod(BAD)), False),
        (review(pod(GOOD, GOOD)), False),
    ],
)
def test_questions_are_equal_but_for_what_no_policy_looks_at(
    other: Json,
    same: bool,  # noqa: FBT001 - a case
) -> None:
    judge = Bench()
    first = question(review(pod(GOOD)), judge).key("f")
    assert (question(other, judge).key("f") == first) == same


def test_what_a_policy_looks_at_tells_questions_apart_and_is_shown() -> None:
    judge = Bench(looks_at=frozenset({"name", "userInfo"}))
    first, second = (
        question(review(pod(GOOD, name=name), name=name), judge) for name in "ab"
    )
    assert first.key("f") != second.key("f")
    assert first.document["name"] == "a"
    assert "userInfo" in first.document
    blind = question(review(pod(GOOD)), Bench())
    assert "userInfo" not in blind.document
    assert "name" not in cast(
        "Json", cast("Json", blind.document["object"])["metadata"]
    )


def test_other_policies_are_another_question(decider: Made) -> None:
    judge, other = Bench(), Bench(fingerprint="two")
    decide = decider(Clock())
    asked = question(review(pod(GOOD)), judge)
    decide.decide(asked, judge, 10)
    assert decide.decide(asked, other, 10).found == ""
    assert len(other.asked) == 1


def test_equal_questions_at_the_same_time_share_one_judgement(tmp_path: Path) -> None:
    judge = Bench(gate=threading.Event(), lifetime=0)
    with serving(tmp_path, judge) as caller, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(caller.validate, review(pod(GOOD))) for _ in range(8)]
        assert judge.entered.acquire(timeout=60)
        while caller.service.decider.waiters < 8:
            threading.Event().wait(0.01)
        assert judge.gate is not None
        judge.gate.set()
        assert all(each.result()["allowed"] is True for each in asked)
    assert len(judge.asked) == 1


def test_a_question_too_many_is_refused_at_once(tmp_path: Path) -> None:
    judge = Bench(gate=threading.Event())
    limits = Limits(workers=2, waiting=3)
    with serving(tmp_path, judge, limits) as caller, ThreadPoolExecutor(5) as pool:
        asked = [
            pool.submit(caller.validate, review(pod(f"{GOOD[:-1]}{n}")))
            for n in range(5)
        ]
        while caller.service.decider.under_way < 5:
            threading.Event().wait(0.01)
        response = caller.validate(review(pod(BAD)))
        status, document = caller.post("/v1/admit", {"references": [BAD]})
        assert judge.gate is not None
        judge.gate.set()
        assert all(each.result()["allowed"] is True for each in asked)
    assert response["allowed"] is False
    told = cast("Json", response["status"])
    assert (told["code"], told["reason"]) == (429, "TooManyRequests")
    assert (status, document["allowed"]) == (429, False)


def test_who_waits_too_long_is_refused_before_the_caller_gives_up(
    tmp_path: Path,
) -> None:
    judge = Bench(gate=threading.Event())
    with serving(tmp_path, judge) as caller:
        response = caller.validate(review(pod(GOOD)), "?timeout=100ms")
        assert response["allowed"] is False
        assert cast("Json", response["status"])["code"] == 504
        assert judge.gate is not None
        judge.gate.set()
        # What was judged meanwhile is there for who asks again.
        assert caller.validate(review(pod(GOOD)))["allowed"] is True
    assert len(judge.asked) == 1


def test_what_is_kept_is_bounded(decider: Made) -> None:
    judge = Bench()
    decide = decider(Clock(), kept=10)
    for n in range(30):
        decide.decide(question(review(pod(f"{GOOD[:-2]}{n:02}")), judge), judge, 10)
    assert decide.kept == 10


def test_only_a_judges_own_true_admits(decider: Made) -> None:
    class Vague(Bench):
        def judge(self, request: Mapping[str, object], /) -> Judgement:
            del request
            return Judgement(admitted="yes")  # type: ignore[arg-type]

    judge = Vague()
    asked = question(review(pod(GOOD)), judge)
    assert not decider(Clock()).decide(asked, judge, 10).admitted
