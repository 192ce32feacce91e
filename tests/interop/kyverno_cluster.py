"""Kyverno's real admission controller beside a real API server, outside any cluster.

With `--serverIP` its webhooks carry an address of loopback, not that of a Service, and
it needs no Deployment, Service or Pod of its own.
"""

import base64
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.cluster import Cluster, Json, running
from tests.interop.peers import program
from tests.interop.ports import free_port
from tests.kyverno.case import Document

NAMESPACE = "kyverno"
_CRD_FOLDERS = ("kyverno", "policies.kyverno.io", "policyreport", "reports")
_WEBHOOK = "kyverno-resource-validating-webhook-cfg"

# The controller ends at once without the first six.
_ENVIRONMENT = {
    "KYVERNO_NAMESPACE": NAMESPACE,
    "KYVERNO_SERVICEACCOUNT_NAME": "kyverno-admission-controller",
    "KYVERNO_DEPLOYMENT": "kyverno-admission-controller",
    "KYVERNO_POD_NAME": "kyverno-outside",
    "INIT_CONFIG": "kyverno",
    "METRICS_CONFIG": "kyverno-metrics",
    "KYVERNO_SVC": "kyverno-svc",
}

# The chart's defaults, as far as they change a decision: what Kyverno never looks at.
_CONFIGURATION = {
    "excludeGroups": "system:nodes",
    "resourceFilters": "[*/*,kyverno,*][Event,*,*][*/*,kube-system,*]"
    "[*/*,kube-public,*][*/*,kube-node-lease,*][Node,*,*]",
    "webhooks": json.dumps(
        {
            "namespaceSelector": {
                "matchExpressions": [
                    {
                        "key": "kubernetes.io/metadata.name",
                        "operator": "NotIn",
                        "values": ["kube-system", NAMESPACE],
                    }
                ]
            }
        }
    ),
}


@contextmanager
def kyverno(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Run the controller; after this no object passes that its policies refuse."""
    definitions = program("kyverno-crds")
    named = [part for name in _CRD_FOLDERS for part in ("-f", definitions / name)]
    # On the server's side: one definition does not fit an annotation.
    applied = cluster.run(
        *("apply", "--server-side", "--validate=false"), *map(str, named)
    )
    assert applied.done, applied.said
    established = ("wait", "--for=condition=Established", "crd", "--all")
    # kubectl fails on a definition that has no status yet.
    cluster.wait(lambda: cluster.run(*established).done, "definitions")
    made = cluster.apply(*_objects())
    assert made.done, made.said
    port = free_port()
    flags = _flags(cluster.folder / "kubeconfig", port)
    binary = program("kyverno-controller")
    with running(binary, folder, *flags, variables=_ENVIRONMENT) as process:
        cluster.wait(lambda: _ready(cluster, process, folder, port), "kyverno")
        yield


def apply_policy(cluster: Cluster, policy: Document) -> None:
    """Apply a policy, and wait until Kyverno says that it compiles and is asked."""
    applied = cluster.apply(dict(policy))
    assert applied.done, applied.said
    name, kind = policy["metadata"]["name"], policy["kind"]
    query = ("get", kind, name, "-o", "jsonpath={.status.conditionStatus.ready}")
    cluster.wait(lambda: cluster.run(*query).said == "true", f"policy {name}")


def _objects() -> Iterator[Json]:
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE},
    }
    for name, data in (("kyverno", _CONFIGURATION), ("kyverno-metrics", {})):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": data,
        }
    # A policy is ready only when the account of the reports may read what it matches.
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "kyverno"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": name}
            for name in ("background", "reports")
        ],
    }


def _flags(kubeconfig: Path, port: int) -> list[str]:
    account = f"system:serviceaccount:{NAMESPACE}:"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--serverIP=127.0.0.1:{port}",
        "--webhookServerHost=127.0.0.1",
        f"--webhookServerPort={port}",
        "--metricsHost=127.0.0.1",
        f"--metricsPort={free_port()}",
        "--controllerRuntimeMetricsAddress=0",
        "--caSecretName=kyverno-ca",
        "--tlsSecretName=kyverno-tls",
        "--tlsKeyAlgorithm=ECDSA",
        f"--backgroundServiceAccountName={account}background",
        f"--reportsServiceAccountName={account}reports",
        # Else kinds that are defined later stay unknown to it.
        "--crdWatcher=true",
        "--admissionReports=false",
        "--enableTuf=false",
        "--generateValidatingAdmissionPolicy=false",
        "--disableLogColor",
    ]


def _ready(
    cluster: Cluster, process: subprocess.Popen[bytes], folder: Path, port: int
) -> bool:
    """Say whether it has its certificate, and the API server its configuration."""
    if process.poll() is not None:
        log = (folder / "kyverno-controller.log").read_text(errors="replace")
        raise RuntimeError(f"kyverno ended:\n{log[-2000:]}")
    found = cluster.run("get", "validatingwebhookconfiguration", _WEBHOOK)
    secret = ("get", "secret", "-n", NAMESPACE, "kyverno-ca")
    authority = cluster.run(*secret, "-o", r"jsonpath={.data.tls\.crt}")
    if not found.done or not authority.done or not authority.said:
        return False
    trusted = ssl.create_default_context(
        cadata=base64.b64decode(authority.said).decode()
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
    )
    try:
        with opener.open(
            f"https://127.0.0.1:{port}/health/readiness", timeout=5
        ) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
