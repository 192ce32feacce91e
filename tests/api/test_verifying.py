"""What is asked of many artifacts, and of none."""

from pathlib import Path

import pytest

from modelpack.api import (
    VerifyResult,
    believe_keys,
    generate_key,
    push,
    sign_with_key,
    verify_all,
)
from modelpack.errors import InvalidInput, VerificationError


def test_none_at_all_is_not_verified(tmp_path: Path) -> None:
    """Nothing would be refused, which looks like a yes."""
    _, public = generate_key(tmp_path / "k", "")
    with pytest.raises(InvalidInput, match="no artifact is named"):
        list(verify_all([], believe_keys([public])))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_is_answered_in_its_place(tmp_path: Path, count: int) -> None:
    private, public = generate_key(tmp_path / "k", "")
    signer = sign_with_key(private, str)
    model = tmp_path / "model"
    model.mkdir()
    references = []
    for number in range(count):
        (model / "config.json").write_text(f'{{"number": {number}}}')
        place = f"oci:{tmp_path / 'layout'}:v{number}"
        signed = signer if number % 2 == 0 else None
        references.append(push(model, place, signer=signed).reference)
    answers = list(verify_all(references, believe_keys([public])))
    for number, (reference, answer) in enumerate(zip(references, answers, strict=True)):
        if number % 2 == 0:
            assert isinstance(answer, VerifyResult)
            assert answer.reference == reference
        else:
            assert isinstance(answer, VerificationError)


def test_nobody_is_believed_where_nobody_is_named(tmp_path: Path) -> None:
    private, _ = generate_key(tmp_path / "k", "")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    place = f"oci:{tmp_path / 'layout'}:1"
    pinned = push(tmp_path / "model", place, signer=sign_with_key(private, str))
    (answer,) = verify_all([pinned.reference], believe_keys([]))
    assert isinstance(answer, VerificationError)
    assert "nobody may sign" in answer.hint
