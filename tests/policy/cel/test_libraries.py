"""The libraries of Kubernetes and of Kyverno.

Values are those of the documentation and the sources of Kubernetes 1.36 and of Kyverno
1.19; tests/interop holds the same expressions against the real Kyverno.
"""

import datetime as dt
import re

import pytest

from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import CelError, Environment
from modelpack.policy.cel.kubernetes import kubernetes_functions
from modelpack.policy.cel.kyverno import (
    certificate_functions,
    image_functions,
    kyverno_functions,
)
from modelpack.policy.cel.types import BOOL, DYN, STRING

NOW = dt.datetime(2026, 11, 26, 12, 34, 56, tzinfo=dt.UTC)
HEX = "a" * 64
OBJECT = {
    "amounts": [1, 2, 3],
    "mixed": [1, "a"],
    "halves": [0.5, 1.5],
    "names": ["b", "a", "b"],
    "items": [{"key": "a", "value": 1}, {"key": "b", "value": 2}],
}


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment(
        variables={"object": DYN},
        functions=[
            *kubernetes_functions(),
            *kyverno_functions(lambda: NOW),
            *certificate_functions(),
        ],
    )


@pytest.mark.parametrize(
    "source",
    [
        # kubernetes.quantity
        "quantity('1.5Gi').compareTo(quantity('1536Mi')) == 0",
        "quantity('1.5Gi') == quantity('1536Mi')",
        "quantity('200M').compareTo(quantity('0.2G')) == 0",
        "quantity('50Mi').isGreaterThan(quantity('50M'))",
        "quantity('50M').isLessThan(quantity('100M'))",
        "quantity('50k').asInteger() == 50000",
        "quantity('50k').sub(20000).asApproximateFloat() == 30000.0",
        "quantity('50k').add(quantity('20k')) == quantity('70k')",
        "quantity('50k').add(20).sub(quantity('100k')).sub(-50000) == quantity('20')",
        "!quantity('9999999999999999999999999999999999999G').isInteger()",
        "!isQuantity('200K') && !isQuantity('Three') && !isQuantity('1e')",
        # The documentation says that it is none; the code says that it is zero.
        "isQuantity('Mi') && quantity('Mi') == quantity('0')",
        "isQuantity('1.3Gi') && isQuantity('10000k') && !isQuantity('1,3G')",
        "isQuantity('1e3') && isQuantity('-5m') && !isQuantity('')",
        "sign(quantity('-1')) == -1 && sign(quantity('0')) == 0",
        "quantity('0.0000000001') == quantity('1n')",
        "quantity('1e3') == quantity('1k') && quantity('9Ei') == quantity('8Ei')",
        # kubernetes.Semver
        "semver('1.2.3').isLessThan(semver('1.10.0'))",
        "semver('1.0.0-alpha').isLessThan(semver('1.0.0'))",
        "semver('1.0.0-alpha.1').isLessThan(semver('1.0.0-alpha.beta'))",
        "semver('1.0.0-2').isLessThan(semver('1.0.0-10'))",
        "semver('1.0.0+a') == semver('1.0.0+b')",
        "semver('v1.02', true).compareTo(semver('1.2.0')) == 0",
        "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2",
        "semver('1.2.3').patch() == 3",
        "!isSemver('v1.0.0') && isSemver('v1.0.0', true) && !isSemver('1.0')",
        "!isSemver('01.0.0') && !isSemver('1.0.0-01') && !isSemver('1.0.0-')",
        # kubernetes.URL
        "url('https://user:pw@Example.com:80/a%20b?x=1&x=2#f').getScheme() == 'https'",
        "url('https://user:pw@Example.com:80/a').getHost() == 'Example.com:80'",
        "url('https://example.com:80/a').getHostname() == 'example.com'",
        "url('https://[::1]:80/a').getHostname() == '::1'",
        "url('https://[::1]:80/a').getPort() == '80'",
        "url('https://example.com').getPort() == ''",
        "url('https://e.com/with space/').getEscapedPath() == '/with%20space/'",
        "url('https://e.com/a%2Fb').getEscapedPath() == '/a%2Fb'",
        "url('https://e.com/?k=1&k=2&l=').getQuery() == {'k': ['1', '2'], 'l': ['']}",
        "isURL('https://a') && isURL('/absolute') && !isURL('relative')",
        "!isURL('../a') && !isURL('') && !isURL('http://[::1') && !isURL('%')",
        "isURL('mailto:a@b.c') && !isURL('https://a:b/')",
        # kubernetes.net
        "ip('192.168.0.1').family() == 4 && ip('2001:db8::68').family() == 6",
        "string(ip('2001:db8:0:0:0:0:0:68')) == '2001:db8::68'",
        "ip('2001:db8::68') == ip('2001:DB8::68')",
        "ip.isCanonical('2001:db8::68') && !ip.isCanonical('2001:DB8::68')",
        "isIP('127.0.0.1') && !isIP('127.0.0.256') && !isIP('fe80::1%eth0')",
        "!isIP('::ffff:1.2.3.4') && !isIP('01.2.3.4') && !isIP('1.2.3')",
        "ip('127.0.0.1').isLoopback() && ip('::1').isLoopback()",
        "ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast()",
        "ip('224.0.0.1').isLinkLocalMulticast()",
        "ip('ff02::1').isLinkLocalMulticast()",
        "ip('10.0.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()",
        "cidr('192.168.0.0/24').containsIP('192.168.0.1')",
        "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))",
        "!cidr('192.168.0.0/24').containsIP('::1')",
        "cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')",
        "!cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/16'))",
        "cidr('192.168.1.5/24').ip() == ip('192.168.1.5')",
        "cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24')",
        "cidr('192.168.0.0/16').prefixLength() == 16",
        "isCIDR('::1/128') && !isCIDR('192.168.0.0/') && !isCIDR('1.2.3.4/033')",
        "string(cidr('192.168.1.5/24')) == '192.168.1.5/24'",
        # kubernetes.format
        "!format.dns1123Label().validate('my-name').hasValue()",
        "format.dns1123Label().validate('My.name').hasValue()",
        "!format.dns1123LabelPrefix().validate('my-').hasValue()",
        "format.dns1123Label().validate('my-').hasValue()",
        "!format.dns1123Subdomain().validate('a.b-c.d').hasValue()",
        "format.dns1035Label().validate('1a').hasValue()",
        "!format.qualifiedName().validate('example.com/MyName').hasValue()",
        "format.qualifiedName().validate('/MyName').hasValue()",
        "format.qualifiedName().validate('a/b/c').hasValue()",
        "!format.labelValue().validate('').hasValue()",
        "!format.uri().validate('https://a/b').hasValue()",
        "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
        "!format.byte().validate('aGVsbG8=').hasValue()",
        "format.byte().validate('a').hasValue()",
        "!format.date().validate('2024-02-29').hasValue()",
        "format.date().validate('2023-02-29').hasValue()",
        "!format.datetime().validate('2024-01-01T00:00:00Z').hasValue()",
        "format.datetime().validate('2024-01-01T24:00:00Z').hasValue()",
        "!format.named('dns1123Label').value().validate('a').hasValue()",
        "!format.named('unknown').hasValue()",
        "format.dns1123Label() == format.named('dns1123Label').value()",
        # kubernetes.lists
        "[1, 2, 3].sum() == 6 && [0.5, 1.5].sum() == 2.0",
        "[duration('1m'), duration('1s')].sum() == duration('61s')",
        "[duration('1m'), duration('1s')].max() > duration('30s')",
        "[time.now(), time.now() - duration('1h')].min() < time.now()",
        "[1u, 2u].sum() + 1u == 4u",
        "['b', 'a'].min() == 'a' && [1, 3, 2].max() == 3",
        "[1, 2, 2].isSorted() && !['b', 'a'].isSorted()",
        "object.amounts.sum() == 6 && object.halves.sum() == 2.0",
        "object.names.indexOf('b') == 0 && object.names.lastIndexOf('b') == 2",
        "[1, 2].indexOf(3) == -1 && 'tacocat'.indexOf('c') == 2",
        "[true].indexOf(false) == -1",
        # kubernetes.regex
        "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
        "'123 abc 456'.findAll('[0-9]+') == ['123', '456']",
        "'123 abc 456'.findAll('([0-9])([0-9])', 1) == ['12']",
        "'a\\nb'.findAll('(?m)^.') == ['a', 'b'] && 'abc'.findAll('b*').size() == 3",
        "'a'.findAll('a', 0) == []",
        # strings, lists, sets, optional, encoders of cel-go
        "'a-b'.replace('-', '+') == 'a+b' && 'abc'.charAt(1) == 'b'",
        "strings.quote('a\"b') == '\"a\\\\\"b\"'",
        "[3, 1, 2].sort() == [1, 2, 3] && [1, 1].distinct() == [1]",
        "[[1], [2]].flatten() == [1, 2] && lists.range(3) == [0, 1, 2]",
        "sets.intersects([1, 2], [2]) && sets.equivalent([1, 1], [1])",
        "base64.decode('aGVsbG8') == b'hello' && base64.decode('aGVsbG8=') == b'hello'",
        "base64.encode(b'hello') == 'aGVsbG8='",
        "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        "{'a': 1}.transformMapEntry(k, v, {v: k}) == {1: 'a'}",
        "object.items[0].transformMap(k, v, k != 'key', v) == {'value': 1}",
        "{'a': 1}.exists(k, v, k == 'a' && v == 1)",
        # kyverno.image
        "parseImageReference('nginx').registry() == 'index.docker.io'",
        "image('nginx:1').repository() == 'library/nginx'",
        "parseImageReference('ghcr.io/a/b:v1').tag() == 'v1'",
        f"parseImageReference('ghcr.io/a/b:v1@sha256:{HEX}').tag() == ''",
        f"parseImageReference('ghcr.io/a/b@sha256:{HEX}').digest() == 'sha256:{HEX}'",
        f"parseImageReference('ghcr.io/a/b@sha256:{HEX}').containsDigest()",
        "!parseImageReference('ghcr.io/a/b').containsDigest()",
        "parseImageReference('ghcr.io/a/b').identifier() == 'latest'",
        "isImage('ghcr.io/a/b') && !isImage('ghcr.io/x') && !isImage('A')",
        # kyverno.json and kyverno.yaml
        "json.unmarshal('{\"a\": [1, 2.5]}').a[0] == 1",
        "type(json.unmarshal('1')) == double",
        "json.marshal({'b': 1, 'a': 2}) == '{\"a\":2,\"b\":1}'",
        "json.marshal(['<&>', 'é']) == '[\"\\\\u003c\\\\u0026\\\\u003e\",\"é\"]'",
        "json.marshal([1.0, 1e21, 1e-7, 0.5]) == '[1,1e+21,1e-7,0.5]'",
        "json.marshal([dyn(null), dyn(true), dyn('a')]) == '[null,true,\"a\"]'",
        "json.marshal(0.00001) == '0.00001' && json.marshal(12345678.0) == '12345678'",
        "json.unmarshal(json.marshal(object)) == object",
        "yaml.parse('a: [1, true, x]').a == [dyn(1.0), dyn(true), dyn('x')]",
        "yaml.parse('a:\\n- b: null').a[0].b == null",
        # kyverno.hash
        "sha256('a') == hash.sha256('a')",
        "md5('') == 'd41d8cd98f00b204e9800998ecf8427e'",
        "sha1('abc') == 'a9993e364706816aba3e25717850c26c9cd0d89d'",
        # kyverno.time
        "time.now() == timestamp('2026-11-26T12:34:56Z')",
        "time.truncate(time.now(), duration('1h')).getMinutes() == 0",
        "time.truncate(time.now(), duration('0s')) == time.now()",
        "time.toCron(timestamp('2026-11-29T01:02:03Z')) == '2 1 29 11 0'",
        # kyverno.math
        "math.round(2.345, 2) == 2.35 && math.round(-2.5, 0) == -3.0",
        "math.round(2.5) == 3.0 && math.round(1234.0, -2) == 1200.0",
        # kyverno.transform and kyverno.user
        "transform.listObjToMap(object.items, object.items, 'key', 'value').b == 2",
        "listObjToMap(object.items, object.items, 'key', 'value') == {'a': 1, 'b': 2}",
        "parseServiceAccount('system:serviceaccount:ml:puller').Namespace == 'ml'",
        "user.parseServiceAccount('system:serviceaccount:ml:puller').Name == 'puller'",
        "parseServiceAccount('alice') == {'Namespace': '', 'Name': ''}",
    ],
)
def test_an_expression_holds(environment: Environment, source: str) -> None:
    program = environment.compile(source, where="rule", result=BOOL)
    assert program.evaluate({"object": OBJECT}) is True


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("quantity('Three') == quantity('3')", "must match"),
        (
            "{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k}).size() == 1",
            "key 1 already",
        ),
        ("quantity('1e999999999') == quantity('1')", "exponent of over 200"),
        ("quantity('1' + object.names.join('')) == quantity('1')", "must match"),
        ("quantity('0.5').asInteger() == 0", "cannot convert value to integer"),
        ("semver('1.0') == semver('1.0.0')", "no semantic version"),
        ("semver('1.0-a', true) == semver('1.0.0')", "short version"),
        ("url('relative') == url('https://a')", "URL parse error"),
        ("ip('1.2.3') == ip('1.2.3.4')", "no IP address"),
        ("cidr('1.2.3.4/33') == cidr('1.2.3.4/32')", "the prefix is too long"),
        ("cidr('1.2.3.4/8').containsIP('x')", "no IP address"),
        ("[].max() == dyn(1)", "max called on empty list"),
        ("object.mixed.min() == 1", "no such overload"),
        ("object.mixed.isSorted()", "no such overload"),
        ("object.mixed.sum() == 1", "no such overload"),
        ("'a'.find('(') == ''", "invalid regular expression"),
        ("'a'.find('a)(b') == ''", "invalid regular expression"),
        ("base64.decode('AAAA') == b''", "a zero character"),
        ("base64.decode('*') == b''", "illegal base64 data"),
        ("parseImageReference('ghcr.io/x').tag() == ''", "names no image"),
        ('json.unmarshal(\'{"a":1,"a":2}\') == 1', "duplicate key"),
        ("json.unmarshal('[1') == 1", "not a JSON document"),
        ("json.unmarshal(1) == 1", "only a text"),
        ("json.unmarshal('\"\\\\u0000\"') == ''", "a zero character"),
        ("json.marshal(b'a') == ''", "no value of JSON: bytes"),
        ("json.marshal({1: 2}) == ''", "a key that is no text"),
        ("yaml.parse('a: &x [1]\\nb: *x') == 1", "not supported"),
        ("yaml.parse('a: 1\\n---\\nb: 1') == 1", "several documents"),
        ("yaml.parse('a: 1\\na: 2') == 1", "duplicate key"),
        ("yaml.parse('a: [') == 1", "is not YAML"),
        ("listObjToMap([], [1], 'a', 'b') == {}", "lists of equal length"),
        ("listObjToMap([1], [1], 'a', 'b') == {}", "lists of objects"),
    ],
)
def test_what_cannot_be_done_is_an_error(
    environment: Environment, source: str, reason: str
) -> None:
    program = environment.compile(source, where="rule", result=BOOL)
    with pytest.raises(CelError, match=re.escape(reason)):
        program.evaluate({"object": OBJECT})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("http.Get('https://a').ok == 1", "http.Get"),
        ("true || http.post('https://a', {}, {}) == 1", "http.post"),
        ("resource.Get('v1', 'secrets', 'ns', 'n').data.a == ''", "resource.Get"),
        ("resource.List('v1', 'pods', 'ns').items == []", "resource.List"),
        ("globalContext.Get('a', 'b') == 1", "globalContext.Get"),
        ("random() == 'a'", "random"),
        ("random.random('[a-z]') == 'a'", "random.random"),
        ("gzip.decompress(b'') == ''", "gzip.decompress"),
        ("x509.decode('').a == 1", "x509.decode"),
    ],
)
def test_what_reaches_outside_is_refused_by_name(
    environment: Environment, source: str, name: str
) -> None:
    reason = re.escape(f"uses {name}, which modelpack does not support")
    with pytest.raises(InvalidInput, match=reason):
        environment.compile(source, where="rule")


@pytest.mark.parametrize(
    "source",
    [
        "quantity('1').isLessThan(semver('1.0.0'))",
        "quantity('1').add('1')",
        "ip('1.2.3.4').prefixLength()",
        "quantity(1)",
        "[{}].sum()",
        "url('https://a').host",
        "'a'.findAll(1)",
    ],
)
def test_types_of_the_libraries_are_checked(
    environment: Environment, source: str
) -> None:
    with pytest.raises(InvalidInput, match=r"no matching overload|operand of a select"):
        environment.compile(source, where="rule")


def test_references_of_images_have_functions_of_their_own() -> None:
    environment = Environment(variables={"ref": STRING}, functions=image_functions())
    program = environment.compile(
        "parseImageReference(ref).registry() == 'ghcr.io'", where="glob", result=BOOL
    )
    assert program.evaluate({"ref": "ghcr.io/a/b:1"}) is True
    with pytest.raises(InvalidInput, match="undeclared reference to 'json'"):
        environment.compile("json.unmarshal(ref)", where="glob")
