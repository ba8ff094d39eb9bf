"""A stand-in for a cluster's API server: it keeps what kubectl applies, and says at once that all of it is done.

It has no controllers and checks nothing: what it is for is the order and the spelling of commands, by the real kubectl.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]

# By group and version: kinds and whether they live in a namespace.
KINDS: dict[str, dict[str, bool]] = {
    "v1": {"Namespace": False, "ConfigMap": True, "Secret": True, "Service": True, "Pod": True},
    "apps/v1": {"Deployment": True, "StatefulSet": True},
    "batch/v1": {"Job": True},
    "autoscaling/v2": {"HorizontalPodAutoscaler": True},
    "policy/v1": {"PodDisruptionBudget": True},
    "networking.k8s.io/v1": {"NetworkPolicy": True, "Ingress": True},
    "postgresql.cnpg.io/v1": {"Cluster": True, "Pooler": True},
}
# Nothing takes time here, and kubectl refuses to restart twice in a second.
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_SCALE = {"kind": "Scale", "apiVersion": "autoscaling/v1"}
_PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}
_PATH = re.compile(
    r"/apis?/(?P<version>v1|[^/]+/v\d)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?"
    r"(?:/(?P<part>scale|status))?"
)


def _plural(kind: str) -> str:
    return _PLURALS.get(kind, f"{kind.lower()}s")


@dataclass(slots=True)
class Cluster:
    """What is there, by namespace, kind and name; and what was done, in order."""

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)

    def store(self, namespace: str, kind: str, name: str, stored: Object) -> Object:
        """Keep an object, as done as it can be."""
        version = next(version for version, known in KINDS.items() if kind in known)
        stored = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **stored}
        metadata = stored["metadata"]
        metadata["resourceVersion"] = str(len(self.journal) + 1)
        metadata["generation"] = metadata.get("generation", 0) + 1
        metadata.setdefault("uid", f"{kind}-{name}")
        if namespace:
            metadata["namespace"] = namespace
        for key, text in stored.pop("stringData", {}).items():
            stored.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
        template = stored.get("spec", {}).get("template", {}).get("metadata", {})
        template.get("annotations", {}).pop(_RESTARTED, None)
        replicas = stored.get("spec", {}).get("replicas", 1)
        done = [{"type": condition, "status": "True"} for condition in ("Complete", "Ready", "Available")]
        counts = dict.fromkeys(["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"], replicas)
        stored["status"] = {"conditions": done, "observedGeneration": metadata["generation"], **counts}
        self.objects[namespace, kind, name] = stored
        return stored


def merge(target: Object, patch: Object) -> Object:
    """Return `target` changed by a JSON merge patch (RFC 7396)."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = merge(merged.get(name) or {}, value)
        else:
            merged[name] = value
    return merged


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        discovered, found = _discover(url.path), self._target()
        if discovered is not None:
            return self._answer(200, discovered)
        if found is None or (found[2] and found not in self.cluster.objects):
            return self._missing()
        if found[2]:
            return self._answer(200, self.cluster.objects[found])
        query = parse_qs(url.query)
        return self._answer(200, {} if "watch" in query else self._list(found[0], found[1], query))

    def do_POST(self) -> None:
        found, body = self._target(), self._body()
        if found is None:
            return self._missing()
        namespace, kind, _ = found
        name = body["metadata"]["name"]
        if (namespace, kind, name) in self.cluster.objects:
            return self._answer(409, {"kind": "Status", "status": "Failure", "reason": "AlreadyExists", "code": 409})
        self.cluster.journal.append(f"create {kind} {name}")
        return self._answer(201, self.cluster.store(namespace, kind, name, body))

    def do_PATCH(self) -> None:
        found, body = self._target(), self._body()
        stored = self.cluster.objects.get(found) if found else None
        if found is None or stored is None:
            return self._missing()
        self.cluster.journal.append(f"patch {found[1]} {found[2]}")
        changed = self.cluster.store(*found, merge(stored, body))
        return self._answer(200, {**changed, **_SCALE} if self.path.split("?")[0].endswith("/scale") else changed)

    def do_DELETE(self) -> None:
        found = self._target()
        self._body()
        stored = self.cluster.objects.pop(found, None) if found else None
        if found is None or stored is None:
            return self._missing()
        self.cluster.journal.append(f"delete {found[1]} {found[2]}")
        return self._answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def _target(self) -> tuple[str, str, str] | None:
        matched = _PATH.fullmatch(urlsplit(self.path).path)
        for kind in KINDS.get(matched["version"], {}) if matched else {}:
            if matched and _plural(kind) == matched["plural"]:
                return matched["namespace"] or "", kind, matched["name"] or ""
        return None

    def _list(self, namespace: str, kind: str, query: dict[str, list[str]]) -> Object:
        wanted = dict(part.split("=") for part in query.get("labelSelector", [""])[0].split(",") if part)
        names = dict(part.split("=") for part in query.get("fieldSelector", [""])[0].split(",") if part)
        items = [
            stored
            for (where, what, name), stored in self.cluster.objects.items()
            if (where, what) == (namespace, kind)
            and wanted.items() <= stored["metadata"].get("labels", {}).items()
            and names.get("metadata.name", name) == name
        ]
        return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}

    def _body(self) -> Object:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body: Object = json.loads(text) if text else {}
        return body

    def _missing(self) -> None:
        self._answer(
            404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        )

    def _answer(self, status: int, body: Object) -> None:
        text = json.dumps(body).encode() if body else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _discover(path: str) -> Object | None:
    """Return what kubectl asks for before anything else: which versions, groups and kinds there are."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups()}
    version = re.fullmatch(r"/apis?/(v1|[^/]+/v\d)", path)
    return _resources(version[1]) if version and version[1] in KINDS else None


def _groups() -> list[Object]:
    pairs = [version.split("/") for version in KINDS if "/" in version]
    return [
        {
            "name": group,
            "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
            "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
        }
        for group, version in pairs
    ]


def _resources(version: str) -> Object:
    verbs = ["create", "delete", "get", "list", "patch", "watch"]
    resources = [
        {"name": _plural(kind), "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": verbs}
        for kind, namespaced in KINDS[version].items()
    ]
    if "Deployment" in KINDS[version]:
        scale = {"name": "deployments/scale", "singularName": "", "namespaced": True, "verbs": ["get", "patch"]}
        resources.append({**scale, "group": "autoscaling", "version": "v1", "kind": "Scale"})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


@contextmanager
def running_api_server() -> Iterator[tuple[Cluster, str]]:
    """Yield an empty cluster and the URL where kubectl finds it."""
    cluster = Cluster()
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield cluster, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
