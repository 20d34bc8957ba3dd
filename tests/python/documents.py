"""Validates Kubernetes manifests against the schemas of several versions, unknown fields refused.

Arguments: the versions with commas (none: nothing is validated, which is quick), and the files. Prints a JSON object: file -> its documents. Kinds that
Kubernetes does not know by itself are passed through; a kind is looked at from the version on that has it.
"""

import json
import sys

import yaml

FOREIGN = ("monitoring.coreos.com/", "cert-manager.io/")
SINCE = {"MutatingAdmissionPolicy": 36, "MutatingAdmissionPolicyBinding": 36}


def main():
    versions, files = [v for v in sys.argv[1].split(",") if v], sys.argv[2:]
    if versions:
        import kubernetes_validate
    found = {}
    for name in files:
        with open(name, encoding="utf-8") as file:
            found[name] = [d for d in yaml.load_all(file, yaml.CSafeLoader) if d is not None]
        for document in found[name]:
            if document["apiVersion"].startswith(FOREIGN):
                continue
            since = SINCE.get(document["kind"], 0)
            for version in (v for v in versions if int(v.split(".")[1]) >= since):
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except Exception as error:
                    what = f"{document['kind']} {document['metadata']['name']}"
                    sys.exit(f"{name}: {what}, Kubernetes {version}: {error}")
    json.dump(found, sys.stdout)


main()
