// Holds objects of Prometheus' operator and of cert-manager against their schemas. Standard input: a JSON
// list of objects. Prints a JSON list of what is wrong with them: values by the schemas' validators, which
// let names pass that they do not know, and such names.
import { readFileSync, readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const PACKAGES = {
  'monitoring.coreos.com': 'prometheus-operator',
  'cert-manager.io': 'cert-manager',
};
// Maps whose keys are free.
const FREE = ['labels', 'annotations', 'matchLabels'];

const root = `${process.env.NODE_PACKAGES}/node_modules/@kubernetes-models`;
const faults = [];

// All names that a group's types have, as their declarations tell them.
function names(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.d.ts'));
  const texts = files.map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(/^ +"(\w+)"\??:/gm)].map((m) => m[1])));
}

function walk(value, known, at) {
  if (Array.isArray(value)) {
    value.forEach((one, i) => walk(one, known, `${at}/${i}`));
  } else if (value && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) {
      if (!known.has(key)) faults.push(`${at}/${key}: no such name`);
      if (!FREE.includes(key)) walk(inner, known, `${at}/${key}`);
    }
  }
}

for (const object of JSON.parse(readFileSync(0, 'utf8'))) {
  const [group, version] = object.apiVersion.split('/');
  const folder = `${root}/${PACKAGES[group]}/${group}/${version}`;
  const name = `${object.kind} ${object.metadata.name}`;
  const module = await import(pathToFileURL(`${folder}/${object.kind}.js`));
  try {
    new module[object.kind](object).validate();
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
  }
  const known = names(folder);
  // What these share with Kubernetes' own types.
  ['name', 'key', 'optional', 'matchLabels', 'matchExpressions', 'operator', 'values'].forEach((n) => known.add(n));
  walk(object.spec, known, `${name}: spec`);
}
console.log(JSON.stringify(faults));
