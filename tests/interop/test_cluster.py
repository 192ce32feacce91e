"""Our admission service behind the webhook of deploy/, called by a real API server."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

import modelpack
from modelpack.api import generate_key, sign_with_key
from modelpack.api.admission import Registries, ServingPolicies, Sources
from modelpack.api.settings import Settings
from modelpack.policy.objects import CSI_DRIVER, CSI_REFERENCE, Carrier, carrying
from modelpack.serve.admission.policies import policy_server
from modelpack.serve.admission.server import Listening
from modelpack.serve.registry import RegistryServer
from tests.deploy.manifests import kustomized
from tests.docs.pages import ROOT
from tests.interop.authority import Authority
from tests.interop.cluster import Cluster, Json, api_server
from tests.policy.scene import image_policy
from tests.serve.admission.scene import pod
from tests.workflows.signing import Person

pytestmark = pytest.mark.interop

SPACE = "models"
CERT_MANAGER = {"certificates": "Certificate", "issuers": "Issuer"}
HOOKS = ("modelpack-admission",)


def kind_of(group: str, version: str, plural: str, kind: str) -> Json:
    """Return a kind of somebody else's, of which anything is an object."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                }
            ],
        },
    }


KSERVE = kind_of(
    "serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService"
)
# Models of Pods' volumes, and of KServe's services.
IMAGES = (
    "object.kind == 'Pod' ? object.spec.?volumes.orValue([])"
    ".filter(v, has(v.image)).map(v, v.image.reference) "
    ": [object.spec.predictor.model.storageUri.replace('oci://', '')]"
)


@dataclass(frozen=True)
class Site:
    """``registered`` is the webhook's configuration, as it was applied."""

    cluster: Cluster
    signed: str
    unsigned: str
    audited: list[Json]
    registered: Json


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    private, public = generate_key(folder / "k", "x")
    signer = sign_with_key(private, lambda: "x")
    with (
        RegistryServer(folder / "registry") as registry,
        api_server(tmp_path_factory.mktemp("cluster")) as cluster,
    ):
        signed = push(folder, f"{registry.address}/team/a:1", signer=signer)
        unsigned = push(folder, f"{registry.address}/team/b:1")
        policy = folder / "policy.json"
        policy.write_text(json.dumps(policy_of(public.read_text(), registry.address)))
        authority = Authority.make(folder)
        audited: list[Json] = []
        server = policy_server(
            lambda: ServingPolicies(
                Sources(policies=(policy,)),
                Registries(
                    plain_http=frozenset({registry.address}), settings=Settings(tries=2)
                ),
            ),
            (policy,),
            Listening(
                certificate=authority.server_certificate, key=authority.server_key
            ),
            audit=lambda line: audited.append(json.loads(line)),
            told=lambda _: None,
        )
        with server:
            url = f"https://127.0.0.1:{server.port}/validate"
            registered = webhook(url, authority.certificate)
            space: Json = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": SPACE},
            }
            applied = cluster.apply(space, KSERVE, registered)
            assert applied.done, applied.said
            found = Site(cluster, signed, unsigned, audited, registered)
            cluster.wait(
                lambda: "not signed" in ask(found, model("canary", unsigned)),
                "a first refusal",
            )
            kind = "inferenceservices.serving.kserve.io"
            cluster.wait(
                lambda: cluster.run("get", kind, "-n", SPACE).done, "KServe's kind"
            )
            yield found


def test_the_signed_is_created_and_the_unsigned_is_not(site: Site) -> None:
    assert "created" in ask(site, model("good", site.signed))
    refused = ask(site, model("bad", site.unsigned))
    assert "denied the request: modelpack: " in refused
    assert "not signed" in refused
    assert "created" in ask(site, model("none"))


def test_a_running_pod_can_be_labelled_and_deleted(site: Site) -> None:
    labelled = model("lived", site.signed)
    assert site.cluster.apply(labelled).done
    cast("Json", labelled["metadata"])["labels"] = {"a": "b"}
    changed = site.cluster.apply(labelled)
    assert changed.done, changed.said
    assert site.audited[-1]["from"] == "not asked"
    deleted = site.cluster.run("delete", "pod", "lived", "-n", SPACE, "--now")
    assert deleted.done, deleted.said


def test_what_the_api_server_sends_is_written_down(site: Site) -> None:
    ask(site, model("seen", site.signed))
    line = site.audited[-1]
    assert line["user"] == "admin"
    assert (line["kind"], line["namespace"]) == ("Pod", SPACE)
    assert line["references"] == [site.signed]
    assert line["outcome"] == "admitted"


def test_services_of_kserve_are_judged(site: Site) -> None:
    def service(reference: str) -> Json:
        wanted = carrying(reference, Carrier.INFERENCE_SERVICE, namespace=SPACE)
        return dict(wanted)

    assert "created" in ask(site, service(site.signed))
    assert "not signed" in ask(site, service(site.unsigned))


def test_volumes_and_classes_that_name_a_model_are_judged(site: Site) -> None:
    """No policy here is about them, and what names a model needs one that is."""

    def volume(name: str, driver: str) -> Json:
        attributes = {CSI_REFERENCE: site.signed}
        csi = {"driver": driver, "volumeHandle": name, "volumeAttributes": attributes}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadOnlyMany"],
                "csi": csi,
            },
        }

    def storage(name: str, **parameters: str) -> Json:
        return {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": CSI_DRIVER,
            "parameters": parameters,
        }

    denied = "denied the request: modelpack: "
    assert denied in ask(site, volume("ours", CSI_DRIVER))
    assert denied in ask(site, storage("ours", **{CSI_REFERENCE: site.signed}))
    assert "created" in ask(site, volume("others", "csi.example.com"))
    assert "created" in ask(site, storage("others", type="ssd"))


def test_when_nobody_answers_nothing_gets_in(site: Site) -> None:
    gone = json.loads(json.dumps(site.registered))
    gone["webhooks"][0]["clientConfig"]["url"] = "https://127.0.0.1:1/validate"
    assert site.cluster.apply(gone).done
    site.cluster.wait(
        lambda: "failed calling webhook" in ask(site, model("late", site.signed)),
        "a refusal for want of an answer",
    )
    assert site.cluster.apply(site.registered).done
    site.cluster.wait(
        lambda: "created" in ask(site, model("late", site.signed)), "the old one"
    )


def test_the_readme_brings_the_service_into_a_cluster(site: Site) -> None:
    """Only stored: there is nobody here who would start it."""
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```sh\n(kubectl .*?)^```$", text, re.MULTILINE | re.DOTALL)
    manager = [
        kind_of("cert-manager.io", "v1", plural, kind)
        for plural, kind in CERT_MANAGER.items()
    ]
    assert site.cluster.apply(*manager).done
    kinds = ",".join(f"{each}.cert-manager.io" for each in CERT_MANAGER)
    site.cluster.wait(lambda: site.cluster.run("get", kinds).done, "their kinds")
    (site.cluster.folder / "policy.yaml").write_text("a: policy\n")
    (site.cluster.folder / "deploy").symlink_to(ROOT / "deploy")
    try:
        for line in block.splitlines():
            ran = site.cluster.run(*line.split()[1:])
            assert ran.done, f"{line}: {ran.said}"
        hook = site.cluster.run("get", "deployment", "-n", "modelpack-system")
        assert "modelpack-admission" in hook.said
    finally:
        # Before anything else: its webhook fails closed, and nobody answers it here.
        site.cluster.run("delete", "validatingwebhookconfiguration", *HOOKS)
        assert site.cluster.apply(site.registered).done


def ask(site: Site, wanted: Json) -> str:
    """Apply an object without storing it, and return what is said."""
    return site.cluster.apply(wanted, dry_run=True).said


def model(name: str, *references: str) -> Json:
    wanted = pod(*references, name=name)
    cast("Json", wanted["metadata"])["namespace"] = SPACE
    return wanted


def push(folder: Path, place: str, **how: object) -> str:
    source = folder / "model"
    source.mkdir(exist_ok=True)
    (source / "config.json").write_text(json.dumps({"place": place}))
    return modelpack.push(source, place, **how).reference  # type: ignore[arg-type]


def policy_of(public: str, address: str) -> Json:
    ctlog = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
    attestor = {"name": "team", "cosign": {"key": {"data": public}, "ctlog": ctlog}}
    rules = [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["pods"],
        },
        {
            "apiGroups": ["serving.kserve.io"],
            "apiVersions": ["v1beta1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["inferenceservices"],
        },
    ]
    return image_policy(
        Person.new(),
        attestors=[attestor],
        matchConstraints={"resourceRules": rules},
        images=[{"name": "models", "expression": IMAGES}],
        matchImageReferences=[{"glob": f"{address}/*"}],
    )


def webhook(url: str, authority: Path) -> Json:
    """Return the configuration of deploy/, for a service outside of the cluster."""
    written = kustomized()["ValidatingWebhookConfiguration/modelpack-admission"]
    copied = cast("Json", json.loads(json.dumps(written)))
    bundle = base64.b64encode(authority.read_bytes()).decode()
    for hook in cast("list[Json]", copied["webhooks"]):
        hook["clientConfig"] = {"url": url, "caBundle": bundle}
    return copied
