"""The whole service: real policies, a real registry, real signatures, real files."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import urllib3

import modelpack
from modelpack.api import generate_key, sign_with_key
from modelpack.api.admission import Registries, ServingPolicies, Sources
from modelpack.api.settings import Settings
from modelpack.api.signing import SignWith
from modelpack.errors import InvalidInput
from modelpack.serve.admission.policies import policy_server
from modelpack.serve.admission.server import Listening
from modelpack.serve.registry import RegistryServer
from tests.forward_proxy import ForwardProxy
from tests.interop.authority import Authority
from tests.policy.scene import exception, image_policy
from tests.serve.admission.scene import Json, pod, review
from tests.workflows.signing import Person


@dataclass
class Cluster:
    """A registry, a key, a policy that asks for its signature, and a service."""

    folder: Path
    registry: str
    signer: SignWith
    public: str
    hosts: frozenset[str]

    def push(self, name: str, *, signed: bool) -> str:
        model = self.folder / "models" / name
        model.mkdir(parents=True)
        (model / "config.json").write_text(json.dumps({"name": name}))
        signer = self.signer if signed else None
        return modelpack.push(
            model, f"{self.registry}/team/{name}:1", signer=signer
        ).reference

    def policy(self, public: str, **changes: object) -> Json:
        key = {"data": public}
        ctlog = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
        attestors = [{"name": "team", "cosign": {"key": key, "ctlog": ctlog}}]
        globs = [{"glob": f"{self.registry}/*"}]
        spec = {"attestors": attestors, "matchImageReferences": globs, **changes}
        return image_policy(Person.new(), "signed", **spec)

    @property
    def policies(self) -> Path:
        return self.folder / "policies"

    def write(self, policy: Json) -> None:
        """Put a policy in the place of the one before, as Kubernetes does."""
        self.policies.mkdir(exist_ok=True)
        new = self.folder / "new.json"
        new.write_text(json.dumps(policy))
        new.rename(self.policies / "policy.json")

    def load(self, *exceptions: Path) -> ServingPolicies:
        return ServingPolicies(
            Sources(policies=(self.policies,), exceptions=exceptions),
            Registries(plain_http=self.hosts, settings=Settings(tries=1)),
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    private, public = generate_key(tmp_path / "k", "x")
    with RegistryServer(tmp_path / "registry") as server:
        made = Cluster(
            folder=tmp_path,
            registry=server.address,
            signer=sign_with_key(private, lambda: "x"),
            public=public.read_text(),
            hosts=frozenset({server.address}),
        )
        made.write(made.policy(made.public))
        yield made


@dataclass
class Service:
    ask: Callable[[Json], Json]
    audited: list[Json]
    told: list[str]
    heard: threading.Event


@pytest.fixture
def service(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    authority = Authority.make(tmp_path)
    audited: list[Json] = []
    told: list[str] = []
    heard = threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        heard.set()

    server = policy_server(
        cluster.load,
        (cluster.policies,),
        Listening(
            certificate=authority.server_certificate,
            key=authority.server_key,
            every=0.05,
        ),
        audit=lambda line: audited.append(json.loads(line)),
        told=tell,
    )
    with (
        server,
        urllib3.PoolManager(
            ca_certs=str(authority.certificate), retries=False, timeout=60
        ) as pool,
    ):

        def ask(body: Json) -> Json:
            url = f"https://127.0.0.1:{server.port}/validate?timeout=30s"
            got = pool.request("POST", url, body=json.dumps(body).encode())
            assert got.status == 200, got.data
            return cast("Json", json.loads(got.data)["response"])

        yield Service(ask, audited, told, heard)


def test_the_signed_gets_in_and_the_unsigned_does_not(
    cluster: Cluster, service: Service
) -> None:
    signed, unsigned = cluster.push("a", signed=True), cluster.push("b", signed=False)
    assert service.ask(review(pod(signed)))["allowed"] is True
    refused = service.ask(review(pod(signed, unsigned)))
    assert refused["allowed"] is False
    assert "not signed" in str(refused["status"])
    assert service.ask(review(pod()))["allowed"] is True, "a Pod without a model"
    assert [line["outcome"] for line in service.audited] == [
        "admitted",
        "refused",
        "admitted",
    ]
    assert service.audited[0]["verified"] == {signed: signed.rpartition("@")[2]}


def test_what_is_known_is_not_asked_again(
    cluster: Cluster, service: Service, tmp_path: Path
) -> None:
    signed = cluster.push("a", signed=True)
    assert service.ask(review(pod(signed)))["allowed"] is True
    for blob in (tmp_path / "registry").rglob("blobs/sha256/*"):
        blob.unlink()
    assert service.ask(review(pod(signed)))["allowed"] is True
    labelled = pod(signed, labels={"another": "question"})
    assert service.ask(review(labelled))["allowed"] is True
    assert [line["from"] for line in service.audited] == ["judged", "kept", "judged"]


def test_a_tag_that_moves_between_two_looks_is_looked_at_each_time(
    cluster: Cluster, service: Service
) -> None:
    cluster.write(
        cluster.policy(cluster.public, validationConfigurations={"verifyDigest": False})
    )
    assert service.heard.wait(30)
    signed = cluster.push("a", signed=True)
    tagged = f"{signed.partition('@')[0]}:1"
    assert service.ask(review(pod(tagged)))["allowed"] is True
    (cluster.folder / "models/a/config.json").write_text("{}")
    modelpack.push(cluster.folder / "models/a", tagged)
    assert service.ask(review(pod(tagged)))["allowed"] is False


def test_another_registry_is_never_contacted(
    cluster: Cluster, service: Service, tmp_path: Path
) -> None:
    with RegistryServer(tmp_path / "elsewhere") as other:
        model = cluster.folder / "models"
        model.mkdir()
        (model / "config.json").write_text("{}")
        there = modelpack.push(model, f"{other.address}/x/y:1").reference
        # The policy is about every registry, and names none.
        cluster.write(
            cluster.policy(
                cluster.public,
                matchImageReferences=[{"glob": "*"}],
                validationConfigurations={"verifyDigest": False},
            )
        )
        assert service.heard.wait(30)
        response = service.ask(review(pod(there)))
    assert response["allowed"] is False
    assert "neither a policy nor the configuration names" in str(response["status"])


def test_changed_policies_are_obeyed_and_broken_ones_change_nothing(
    cluster: Cluster, service: Service
) -> None:
    signed = cluster.push("a", signed=True)
    assert service.ask(review(pod(signed)))["allowed"] is True
    cluster.write(cluster.policy(Person.new().key.public.pem.decode()))
    assert service.heard.wait(30)
    assert service.told == ["read policies again"]
    assert service.ask(review(pod(signed)))["allowed"] is False
    service.heard.clear()
    cluster.write({"apiVersion": "v1", "kind": "Secret"})
    assert service.heard.wait(30)
    assert service.told[1].startswith("kept: policies: ")
    assert service.ask(review(pod(signed)))["allowed"] is False
    service.heard.clear()
    cluster.write(cluster.policy(cluster.public))
    assert service.heard.wait(30)
    assert service.ask(review(pod(signed)))["allowed"] is True


def test_a_registry_that_is_away_refuses(cluster: Cluster, tmp_path: Path) -> None:
    with RegistryServer(tmp_path / "gone") as gone:
        address = gone.address
    cluster.write(
        cluster.policy(cluster.public, matchImageReferences=[{"glob": f"{address}/*"}])
    )
    policies = ServingPolicies(
        Sources(policies=(cluster.policies,)),
        Registries(plain_http=frozenset({address}), settings=Settings(tries=1)),
    )
    wanted = pod(f"{address}/a/b@sha256:{'a' * 64}")
    judged = policies.judge(cast("Json", review(wanted)["request"]))
    policies.close()
    assert not judged.verdict.admitted
    assert 0 < judged.lifetime <= 10


def test_loopback_is_contacted_only_where_the_configuration_says_so(
    cluster: Cluster,
) -> None:
    with pytest.raises(InvalidInput, match="no policy names a registry"):
        ServingPolicies(Sources(policies=(cluster.policies,)), Registries())


@pytest.mark.parametrize(
    ("glob", "flags"),
    [("docker.io/*", frozenset[str]()), ("docke?.io/*", frozenset({"docker.io"}))],
    ids=["policy", "flag"],
)
def test_docker_hub_is_contacted_by_either_of_its_names(
    cluster: Cluster, glob: str, flags: frozenset[str]
) -> None:
    cluster.write(cluster.policy(cluster.public, matchImageReferences=[{"glob": glob}]))
    with ForwardProxy({}) as proxy:
        policies = ServingPolicies(
            Sources(policies=(cluster.policies,)),
            Registries(
                hosts=flags, settings=Settings(tries=1, proxies={"https": proxy.url})
            ),
        )
        wanted = pod(f"docker.io/team/model@sha256:{'a' * 64}")
        judged = policies.judge(cast("Json", review(wanted)["request"]))
        policies.close()
        assert proxy.targets("CONNECT") == {"index.docker.io:443"}
    assert not judged.verdict.admitted


_LABELLED = {"matchLabels": {"team": "ml"}}
_ASKS = "namespaceObject.metadata.labels.team == 'ml'"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (
            {"matchConstraints": {"namespaceSelector": _LABELLED}},
            "spec.matchConstraints.namespaceSelector",
        ),
        (
            {"matchConditions": [{"name": "ml", "expression": _ASKS}]},
            "spec.matchConditions[0].expression",
        ),
        (
            {"validations": [{"expression": "true", "messageExpression": _ASKS}]},
            "spec.validations[0].messageExpression",
        ),
    ],
)
def test_a_policy_about_a_namespaces_labels_is_refused_at_load(
    cluster: Cluster, changes: Json, field: str
) -> None:
    cluster.write(cluster.policy(cluster.public, **changes))
    with pytest.raises(InvalidInput, match=r"policy signed: .*labels") as refused:
        cluster.load()
    assert str(refused.value.where).endswith(field)


def test_an_exception_about_a_namespaces_labels_is_refused_at_load(
    cluster: Cluster, tmp_path: Path
) -> None:
    asking = tmp_path / "exception.json"
    conditions = [{"name": "ml", "expression": _ASKS}]
    policy = cluster.policy(cluster.public)
    asking.write_text(json.dumps(exception(policy, matchConditions=conditions)))
    with pytest.raises(InvalidInput, match="exception ml/but: ") as refused:
        cluster.load(asking)
    assert str(refused.value.where).endswith("spec.matchConditions[0].expression")


def test_an_empty_namespace_selector_and_prose_ask_for_no_labels(
    cluster: Cluster,
) -> None:
    told = [{"expression": "true", "message": "namespaceObject is not asked"}]
    constraints: Json = {"namespaceSelector": {}}
    cluster.write(
        cluster.policy(cluster.public, validations=told, matchConstraints=constraints)
    )
    cluster.load().close()


def test_a_verdict_does_not_outlive_an_exception(
    cluster: Cluster, tmp_path: Path
) -> None:
    unsigned = cluster.push("b", signed=False)
    soon = tmp_path / "exception.json"
    policy = cluster.policy(cluster.public)
    soon.write_text(json.dumps(exception(policy, expiresAt="9999-01-01T00:00:00Z")))
    policies = cluster.load(soon)
    request = cast("Json", review(pod(unsigned))["request"])
    long = policies.judge(request)
    policies.close()
    assert long.verdict.admitted
    assert long.lifetime == 300
    soon.write_text(json.dumps(exception(policy, expiresAt="2000-01-01T00:00:00Z")))
    policies = cluster.load(soon)
    assert not policies.judge(request).verdict.admitted
    policies.close()


def test_which_fields_a_policy_may_look_at(cluster: Cluster) -> None:
    policies = cluster.load()
    assert not any(map(policies.mentions, ("name", "uid", "userInfo", "options")))
    policies.close()
    for expression, field in (
        ("object.metadata.name == 'x'", "name"),
        ("object.metadata.?name.orValue('') == 'x'", "name"),
        ("object.metadata['name'] == 'x'", "name"),
        ("request.userInfo.username == 'x'", "userInfo"),
        ("object.metadata.exists(k, k == 'uid')", "uid"),
        ("object == oldObject", "resourceVersion"),
    ):
        rules = [{"expression": expression, "message": "no"}]
        cluster.write(cluster.policy(cluster.public, validations=rules))
        try:
            policies = cluster.load()
        except InvalidInput:
            continue  # an expression that does not compile is never asked
        assert policies.mentions(field), expression
        policies.close()
