"""Validates Kubernetes manifests against the schemas of one version, unknown fields refused.

Arguments: the version and the files. Prints a JSON object: name of each container -> the variables
that it would start with, what only a cluster knows replaced by the word "known".
"""

import json
import re
import sys

import kubernetes_validate
import yaml


def variables(container, config_maps):
    env = {}
    for source in container.get("envFrom", []):
        env |= config_maps[source["configMapRef"]["name"]]
    for variable in container.get("env", []):
        value = variable.get("value", "known")
        # As the kubelet does it: only what stands above is known.
        env[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda m: env.get(m[1], m[0]), value)
    return env


def main():
    version, files = sys.argv[1], sys.argv[2:]
    documents = [d for f in files for d in yaml.safe_load_all(open(f, encoding="utf-8"))]
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    found = {}
    for document in documents:
        spec = document.get("spec", {})
        spec = spec.get("template", {}).get("spec", spec)
        for container in spec.get("initContainers", []) + spec.get("containers", []):
            found[container["name"]] = variables(container, maps)
    json.dump(found, sys.stdout)


main()
