"""What a template reads by a text that it puts together, and what honest ones do."""

from typing import Final

import jinja2
import pytest

from modelpack.scanning.template import judge_templates
from tests.scanning.hostile_review import TEMPLATES

MESSAGES: Final = [{"role": "user", "content": "Hello"}]
# Ways of real templates that look like the above.
HONEST: Final = {
    "a name that is thrown away": "{% set parts = [] %}{% for m in messages %}"
    "{% set _ = parts.append('<' ~ m.role ~ '>') %}{% endfor %}{{ parts | join }}"
    "{{ messages[0].role }}",
    "messages without the first": "{% set rest = messages[1:] %}"
    "{% for m in rest %}{{ names[m['role']] }}{% endfor %}",
    "a field that counts beside one of text": "{% set ns = namespace(i=0, text='') %}"
    "{% for m in messages %}{% set ns.text = ns.text ~ m.content %}"
    "{% set ns.i = ns.i + 1 %}{% endfor %}{{ messages[ns.i - 1].role }}",
    "items after this one": "{% for m in messages %}{% if loop.nextitem is defined and "
    "loop.nextitem.role == 'user' %}{{ messages[loop.index0].role }}{% endif %}"
    "{% endfor %}",
    "a function that may be there": "{% if strftime_now is defined %}"
    "{{ strftime_now('%Y') }}{% endif %}",
    "arguments by name": "{% macro m(a, indent=0) %}{{ a | tojson(indent=4) }}"
    "{% endmacro %}{{ m(messages, indent=2) }}",
    "tokens in the output": "{{ bos_token }}{% for m in messages %}"
    "{{ m['role'] + eos_token }}{% endfor %}",
    "a cut text that names nothing": "{% set t = messages[0].content"
    ".split('</think>')[-1].lstrip('x') %}{{ t[0] }}{{ t[1:] }}",
    "a part in a copied message": "{% for m in messages %}{% set c = m.copy() %}"
    "{{ c['role'] }}{{ c.get('content', '') }}{% endfor %}",
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_way_passes_and_renders(name: str) -> None:
    assert list(judge_templates([HONEST[name]])) == []
    given = {"messages": MESSAGES, "names": {"user": "User"}, "eos_token": "</s>"}
    jinja2.Environment(autoescape=False).from_string(HONEST[name]).render(**given)  # noqa: S701


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_hostile_way_is_refused(name: str) -> None:
    assert list(judge_templates([TEMPLATES[name]]))
