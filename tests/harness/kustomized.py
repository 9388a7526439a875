"""The part of `kubectl kustomize` that deploy/k8s needs, without images and hashes in names."""

from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
#: The keys that identify an element of a list in a patch.
_KEYS = ("mountPath", "name")


def documents(path: Path) -> list[Document]:
    """The documents of one file."""
    return list(yaml.safe_load_all(path.read_text()))


def build(folder: Path, given: list[Document] | None = None) -> list[Document]:
    """The documents of a folder with a kustomization; `given` are the documents to which a component is applied."""
    [plan] = documents(folder / "kustomization.yaml")
    made = list(given or [])
    for name in plan.get("resources", []):
        made += build(folder / name) if (folder / name).is_dir() else documents(folder / name)
    for name in plan.get("components", []):
        made = build(folder / name, made)
    for patch in plan.get("patches", []):
        [above] = documents(folder / patch["path"])
        target = patch.get("target") or {"kind": above["kind"], "name": above["metadata"]["name"]}
        made = [_merge(one, above | {"metadata": {}}) if _matches(one, target) else one for one in made]
    for generator in plan.get("configMapGenerator", []):
        above = _config_map(folder, generator)
        target = {"kind": "ConfigMap", "name": above["metadata"]["name"]}
        made = [_merge(one, above) if _matches(one, target) else one for one in made]
        made += [above] if generator.get("behavior", "create") == "create" else []
    return made


def listed(folder: Path) -> set[str]:
    """The files of this folder that its kustomization lists."""
    [plan] = documents(folder / "kustomization.yaml")
    patches = [patch["path"] for patch in plan.get("patches", [])]
    settings = [name for generator in plan.get("configMapGenerator", []) for name in generator.get("envs", [])]
    return {name for name in [*plan.get("resources", []), *patches, *settings] if (folder / name).is_file()}


def _matches(document: Document, target: dict[str, str]) -> bool:
    label, _, value = target.get("labelSelector", "").partition("=")
    name, labels = document["metadata"]["name"], document["metadata"].get("labels", {})
    return (
        document["kind"] == target["kind"]
        and name == target.get("name", name)
        and (not label or labels.get(label) == value)
    )


def _merge(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        merged = below | {key: _merge(below.get(key), value) for key, value in above.items()}
        return {key: value for key, value in merged.items() if value is not None}
    if isinstance(below, list) and isinstance(above, list) and all(isinstance(one, dict) for one in below + above):
        key = next((key for key in _KEYS if all(key in one for one in below + above)), None)
        if key is not None:
            by_key = {one[key]: one for one in below}
            return list((by_key | {one[key]: _merge(by_key.get(one[key]), one) for one in above}).values())
    return above


def _config_map(folder: Path, generator: dict[str, Any]) -> Document:
    lines = [line for name in generator.get("envs", []) for line in (folder / name).read_text().splitlines()]
    pairs = [line.split("=", 1) for line in [*lines, *generator.get("literals", [])] if not line.startswith("#")]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": dict(pairs)}
