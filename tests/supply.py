"""What brings code or rights of others into builds, jobs and pods: each function takes files and says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_PINNED = re.compile(
    r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+(\.\d+){2}"  # people and Dependabot read the version
    r"|OWNER/muster(/[\w.-]+)+@0{40} # the commit that you reviewed"  # of examples: there is no such commit
    r"|\./\S+"
    r"|docker://[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}"
)
_BY_DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
_FOREIGN_TRIGGERS = {"pull_request_target", "workflow_run", "issue_comment"}
"""They run with the rights of the repository on what others wrote."""
_INSTALLS = re.compile(
    r"\b(?:pip\S* (?:.*? )?install|pipx (?:install|run)|uv (?:tool|pip) install|uvx|npx|npm i(?:nstall)?)\b(.*)"
)
_LOCAL = re.compile(r"[\"']?[$./~]")
_PIPED = re.compile(r"\b(?:curl|wget)\b.*\|\s*(?:ba)?sh\b")
_CONTAINER = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


# --- commands ---------------------------------------------------------------------


def of_commands(text: str) -> list[str]:
    """Of a shell script, a Makefile or a Containerfile: packages without a hash, scripts from the network."""
    code = re.sub(r"^\s*[#@]*#.*$", "", text.replace("\\\n", " "), flags=re.MULTILINE)
    commands = re.split(r"&&|\|\||;|\n", code)
    return [
        *(f"installs without hashes: {one.strip()}" for one in commands if _is_loose(one)),
        *(f"runs what it downloads: {one.strip()}" for one in code.splitlines() if _PIPED.search(one)),
    ]


def _is_loose(command: str) -> bool:
    """Whether a package may come from an index without a hash; files of ours come without what they need."""
    found = _INSTALLS.search(command)
    if found is None or "--require-hashes" in command:
        return False
    named = [word for word in found[1].split() if not word.startswith("-")]
    return "--no-deps" not in command or not all(_LOCAL.match(word) for word in named)


# --- GitHub Actions ---------------------------------------------------------------


def of_workflow(text: str) -> list[str]:
    """Of a workflow: rights that are not named, code that is not pinned, texts of others that become commands."""
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # "on" is a truth value of YAML
    named = {triggers} if isinstance(triggers, str) else set(triggers)
    jobs: dict[str, Any] = workflow["jobs"]
    steps = [step for job in jobs.values() for step in job.get("steps", [])]
    images = [
        *(one for job in jobs.values() for one in [job.get("container")] if one),
        *(one for job in jobs.values() for one in job.get("services", {}).values()),
    ]
    return [
        *(f"trigger: {one}" for one in sorted(_FOREIGN_TRIGGERS & named)),
        *([] if workflow.get("permissions") == {} else ["permissions: the workflow's are not {}"]),
        *(f"permissions: job {name} has none" for name, job in jobs.items() if not _names_rights(job)),
        *(f"job {name} has no timeout-minutes" for name, job in jobs.items() if "timeout-minutes" not in job),
        *(f"image: {one}" for one in map(_image, images) if not _BY_DIGEST.fullmatch(one)),
        *of_uses(text),
        *_of_steps(steps),
    ]


def _names_rights(job: dict[str, Any]) -> bool:
    return isinstance(job.get("permissions"), dict)


def of_action(text: str) -> list[str]:
    """Of a composite action."""
    return [*of_uses(text), *_of_steps(yaml.safe_load(text)["runs"]["steps"])]


def of_uses(text: str) -> list[str]:
    """Of any text: actions and images that are not pinned, also in comments, which people uncomment."""
    return [
        f"uses: {one}" for one in re.findall(r"^[ #-]*\buses: (.+)", text, re.MULTILINE) if not _PINNED.fullmatch(one)
    ]


def _of_steps(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        run = step.get("run", "")
        if "${{" in run:
            yield f"an expression in a command: {run.strip()}"
        yield from of_commands(run)
        if (
            step.get("uses", "").startswith("actions/checkout@")
            and step.get("with", {}).get("persist-credentials") is not False
        ):
            yield "checkout: persist-credentials"


def _image(container: Any) -> str:
    return str(container["image"] if isinstance(container, dict) else container)


# --- containers and pods ------------------------------------------------------------


def of_containerfile(text: str) -> list[str]:
    """Of a Containerfile: bases without a digest, root, packages without hashes."""
    stages = dict(re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE))
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    return [
        *(f"image: {one}" for one in bases if one not in stages.values() and not _BY_DIGEST.fullmatch(one)),
        *([] if users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]) else ["runs as root"]),
        *of_commands(text),
    ]


def of_manifests(texts: Mapping[str, str]) -> list[str]:
    """Of the manifests of a folder, by file name: pods that may more than they need, or that no policy keeps in."""
    documents = [(name, one) for name, text in texts.items() for one in yaml.safe_load_all(text)]
    policies = [one for _, one in documents if one["kind"] == "NetworkPolicy"]
    return [
        *(
            f"{name}: {wrong}"
            for name, document in documents
            for labels, pod in _pods(document)
            for wrong in (*_of_pod(pod), *_of_network(document["metadata"].get("namespace", ""), labels, policies))
        ),
        *(f"policy {one['metadata']['name']}: open" for one in policies if _is_open(one)),
    ]


def _pods(node: Any) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Labels and specs of pods, wherever in a document they are."""
    if isinstance(node, list):
        for one in node:
            yield from _pods(one)
    elif isinstance(node, dict):
        spec = node.get("spec")
        if isinstance(spec, dict) and "containers" in spec:
            yield node.get("metadata", {}).get("labels", {}), spec
        for one in node.values():
            yield from _pods(one)


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or not all(context.get(key) for key in ("runAsUser", "runAsGroup")):
        yield "runs as root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken"
    shared = any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
    if shared or any("hostPath" in one for one in pod.get("volumes", [])):
        yield "is on the host"
    for container in (*pod["containers"], *pod.get("initContainers", [])):
        if container.get("securityContext") != _CONTAINER:
            yield f"securityContext of {container['name']}"
        if not _BY_DIGEST.fullmatch(container["image"]):
            yield f"image: {container['image']}"
        resources = container.get("resources", {})
        if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
            yield f"resources of {container['name']}"


def _of_network(namespace: str, labels: dict[str, str], policies: list[dict[str, Any]]) -> Iterator[str]:
    """A pod is kept in where policies of both directions select it."""
    types = {
        kind
        for one in policies
        if one["metadata"]["namespace"] == namespace
        and (one["spec"]["podSelector"].get("matchLabels") or {}).items() <= labels.items()
        and (one["spec"]["podSelector"] == {} or labels)
        for kind in one["spec"]["policyTypes"]
    }
    yield from (f"no NetworkPolicy for {one}" for one in ("Egress", "Ingress") if one not in types)


def _is_open(policy: dict[str, Any]) -> bool:
    """Whether it lets everything through one way, or lets out to the addresses where nodes have their credentials."""
    spec = policy["spec"]
    ways = [
        *((rule.get("from"), rule.get("ports")) for rule in spec.get("ingress", [])),
        *((rule.get("to"), rule.get("ports")) for rule in spec.get("egress", [])),
    ]
    blocks = [one["ipBlock"] for rule in spec.get("egress", []) for one in rule.get("to", []) if "ipBlock" in one]
    return not all(peers and ports for peers, ports in ways) or any(
        one["cidr"] == "0.0.0.0/0" and "169.254.0.0/16" not in one.get("except", []) for one in blocks
    )
