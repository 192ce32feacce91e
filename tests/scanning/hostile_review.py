"""What a second hostile reading found to pass, each by the way that it took.

In a plain jinja every one of these templates reads an attribute that it does not spell
out; those that go on reach `os`, and move files by `os.replace`.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

__all__ = ["TEMPLATES", "reviewed_again"]

_MADE: Final = "'_' ~ '_' ~ 'class' ~ '_' ~ '_'"
_TEMPLATES: Final = {
    "keyword-becomes-text": "{% for k in dict(__class__=1) %}{{ ''[k] }}{% endfor %}",
    "keyword-with-one-underscore": "{% for k in dict(_os=1) %}{{ x[k] }}{% endfor %}",
    "name-of-a-macro": "{% macro __class__() %}{% endmacro %}{{ ''[__class__.name] }}",
    "argument-of-a-macro": "{% macro m(__class__) %}{% endmacro %}"
    "{{ ''[m.arguments[0]] }}",
    "keywords-of-a-macro": "{% macro m() %}{% for k in kwargs %}{{ ''[k] }}{% endfor %}"
    "{% endmacro %}{{ m(__class__=1) }}",
    "more-arguments-of-a-macro": "{% macro m() %}{{ ''[varargs[0]] }}{% endmacro %}"
    "{{ m(@) }}",
    "frame-by-a-variable": "{% set g = [1] | map('upper') %}{% set a = 'gi_frame' %}"
    "{{ g[a] }}",
    "frame-in-capitals": "{% set g = [1] | map('upper') %}"
    "{% set a = 'GI_FRAME' | lower %}{{ g[a] }}",
    "slice": "{% set g = [1] | map('upper') %}{% set a = 'xgi_frame'[1:] %}{{ g[a] }}",
    "slice-of-an-underscore": "{% set a = 'x_os'[1:] %}{{ m[a] }}",
    "slice-backwards": "{% set a = 'so_'[::-1] %}{{ m[a] }}",
    "slice-of-what-a-namespace-looks-like": "{% set ns = namespace(x=1) %}"
    "{% set ns.x_os = 1 %}{% set k = (ns | string)[1:4] %}{{ m[k] }}",
    "split": "{% set a = 'x,_os'.split(',')[1] %}{{ m[a] }}",
    "split-of-an-underscore": "{% set a = 'x_os'.split('x')[1] %}{{ m[a] }}",
    "strip": "{% set a = 'x_os'.lstrip('x') %}{{ m[a] }}",
    "prefix": "{% set a = 'x_os'.removeprefix('x') %}{{ m[a] }}",
    "trim": "{% set a = 'x_osx' | trim('x') %}{{ m[a] }}",
    "time": "{% set a = date.strftime('_%%') %}{{ m[a] }}",
    "append": "{% set l = [] %}{{ l.append(@) or '' }}{{ ''[l[0]] }}",
    "append-to-another-name": "{% set l = [] %}{% set o = l %}"
    "{{ o.append(@) or '' }}{{ ''[l[0]] }}",
    "append-in-a-macro": "{% macro m(o) %}{{ o.append(@) }}{% endmacro %}"
    "{% set l = [] %}{{ m(l) }}{{ ''[l[0]] }}",
    "append-to-a-field": "{% set ns = namespace(l=[]) %}"
    "{{ ns.l.append(@) or '' }}{{ ''[ns.l[0]] }}",
    "update": "{% set d = {} %}{{ d.update({'k': @}) or '' }}{{ ''[d.k] }}",
    "next-item": "{% for t in [1, @] %}{{ ''[loop.nextitem] }}{% endfor %}",
    "next-item-by-a-name": "{% for t in [1, @] %}"
    "{% set k = 'nextitem' %}{{ ''[loop[k]] }}{% endfor %}",
    "loop-by-another-name": "{% for t in [1, @] %}"
    "{% set o = loop %}{{ ''[o.nextitem] }}{% endfor %}",
    "item-of-a-dict": "{% set d = dict(k=@) %}{{ ''[d['k']] }}",
    "value-of-a-dict": "{% set d = dict(k=@) %}{{ ''[d.values() | first] }}",
    "namespace-by-another-name": "{% set ns = namespace(k=@) %}"
    "{% set n = ns %}{{ ''[n.k] }}",
    "namespace-set-by-another-name": "{% set ns = namespace(k='') %}{% set n = ns %}"
    "{% set n.k = @ %}{{ ''[ns.k] }}",
    "namespace-in-a-list": "{% set ns = namespace(k='') %}{% for n in [ns] %}"
    "{% set n.k = @ %}{% endfor %}{{ ''[ns.k] }}",
    "namespace-in-a-macro": "{% macro m(n) %}{{ ''[n.k] }}{% endmacro %}"
    "{% set ns = namespace(k=@) %}{{ m(ns) }}",
    "namespace-in-a-namespace": "{% set a = namespace(k='') %}"
    "{% set b = namespace(a=a) %}"
    "{% set x = b.a %}{% set x.k = @ %}{{ ''[a.k] }}",
    "item-of-a-namespace": "{% set ns = namespace(k=@) %}{{ ''[ns['k']] }}",
    "token-of-the-configuration": "{{ ''[bos_token] }}",
    "function-as-a-value": "{{ raise_exception['x'] }}",
    "many-assignments": "{% set a = 'x' %}" * 3_000 + "{{ x[a] }}",
}
TEMPLATES: Final = {name: text.replace("@", _MADE) for name, text in _TEMPLATES.items()}
CONFIGURATIONS: Final[tuple[tuple[str, object], ...]] = (
    ("config.json", {"attn_implementation": "owner/kernel"}),
    ("config.json", {"_attn_implementation": "owner/kernel@v1:attention"}),
    ("config.json", {"text_config": {"attn_implementation": {"": "owner/kernel"}}}),
    ("config.json", {"experts_implementation": "owner/kernel"}),
    ("wordembedding_config.json", {"tokenizer_class": "evil.module.Tokenizer"}),
    ("config.json", {"class_path": "os.system", "init_args": {"command": "true"}}),
    ("hparams.json", {"_instantiator": "evil.module.instantiate"}),
    ("modular_model_index.json", {"_class_name": "P", "unet": ["evil", "E"]}),
)


def _torch(compressed: str) -> bytes:
    """Return an archive of torch's in which one member is deflated."""
    pickled = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01."
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, raw in (
            ("m/data.pkl", pickled),
            ("m/byteorder", b"little"),
            ("m/data/0", bytes(1 << 20)),
            ("m/version", b"3\n"),
        ):
            how = zipfile.ZIP_DEFLATED if name == compressed else zipfile.ZIP_STORED
            archive.writestr(name, raw, how)
    return buffer.getvalue()


def reviewed_again() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, path and bytes of each."""
    for name, template in TEMPLATES.items():
        configured = json.dumps({"chat_template": template}).encode()
        yield f"template-{name}", "tokenizer_config.json", configured
        yield f"template-{name}-alone", "chat_template.jinja", template.encode()
    for number, (path, document) in enumerate(CONFIGURATIONS):
        yield f"configuration-{number}", path, json.dumps(document).encode()
    loader = b"flavors:\n  python_function:\n    loader_module: evil.loader\n"
    yield "mlflow-loader", "MLmodel", loader
    for name in ("m/data/0", "m/data.pkl", "m/version"):
        yield f"torch-bomb-in-{name}", "model.pt", _torch(name)
    evil = zlib.compress(b"cos\nsystem\n(S'true'\ntR.")
    yield "zlib", "model.data", evil
    yield "zlib-without-a-name", "model", evil
