//! NetworkPolicies let through what has to get through: each port that is listened on is open to named
//! senders, and what is allowed on one side is allowed on the other.

use crate::files::{Documents, named, of_kind, one, pods, selects};
use crate::tools::charted;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;

type Port = (u64, String);

fn ports(list: &Value) -> BTreeSet<Port> {
    let protocol = |port: &Value| port["protocol"].as_str().unwrap_or("TCP").to_owned();
    let number = |port: &Value| port["port"].as_u64().or(port["containerPort"].as_u64());
    let all = list.as_array().into_iter().flatten();
    all.filter_map(|port| Some((number(port)?, protocol(port)))).collect()
}

fn policy<'d>(documents: &'d Documents, name: &str) -> Result<&'d Value> {
    named(documents, &format!("NetworkPolicy {name}"))
}

#[test]
fn every_port_of_a_pod_is_open_and_no_other() -> Result<()> {
    for file in ["deploy/ingester-deployment.yaml", "deploy/agent-daemonset.yaml"] {
        let documents = one(file)?;
        for (name, pod) in pods(&documents) {
            let selected = of_kind(&documents, "NetworkPolicy").find(|policy| {
                selects(&policy["spec"]["podSelector"]["matchLabels"], &pod["metadata"]["labels"])
            });
            let policy = selected.with_context(|| format!("{file}: none for {name}"))?;
            let rules = policy["spec"]["ingress"].as_array().context("rules")?;
            // A rule without `from` would let in everybody, from outside of the cluster, too.
            ensure!(rules.iter().all(|rule| rule["from"].is_array()), "{policy}");
            let open: BTreeSet<Port> =
                rules.iter().flat_map(|rule| ports(&rule["ports"])).collect();
            let listened = ports(&pod["spec"]["containers"][0]["ports"]);
            ensure!(open == listened, "{name}: open {open:?}, listened on {listened:?}");
        }
    }
    Ok(())
}

/// Ingesters ask each other, and agents, on the port for queries.
#[test]
fn ingesters_reach_each_other() -> Result<()> {
    let documents = charted(&["everything"])?;
    let queries = (3200, "TCP".to_owned());
    for policy in ["tributary-ingester", "tributary-agent"] {
        let policy = self::policy(&documents, policy)?;
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            let rules = policy["spec"][direction].as_array().context("rules")?;
            for (name, pod) in pods(&documents) {
                let labels = &pod["metadata"]["labels"];
                let reached = rules.iter().filter(|rule| ports(&rule["ports"]).contains(&queries));
                let mut peers =
                    reached.flat_map(|rule| rule[peers].as_array().into_iter().flatten());
                let found = peers.any(|peer| selects(&peer["podSelector"]["matchLabels"], labels));
                ensure!(found, "{direction}: {name} is not in {policy}");
            }
        }
    }
    Ok(())
}

/// The policy of an application's namespace leads to the ingesters' pods, on the wire's port.
#[test]
fn sidecars_reach_ingesters() -> Result<()> {
    let documents = one("deploy/application-networkpolicy.yaml")?;
    let ingesters = one("deploy/ingester-deployment.yaml")?;
    let (_, pod) = pods(&ingesters).into_iter().next().context("a pod")?;
    let policy = policy(&documents, "tributary-sidecar")?;
    let rule = &policy["spec"]["egress"][0];
    let to = &rule["to"][0];
    ensure!(selects(&to["podSelector"]["matchLabels"], &pod["metadata"]["labels"]), "{rule}");
    let namespace = &to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
    let deployment = of_kind(&ingesters, "Deployment").next().context("a Deployment")?;
    ensure!(*namespace == deployment["metadata"]["namespace"], "{rule}");
    ensure!(ports(&rule["ports"]) == BTreeSet::from([(4319, "TCP".to_owned())]), "{rule}");
    // Without names there is no upstream.
    let all = policy["spec"]["egress"].as_array().context("rules")?;
    ensure!(all.iter().any(|rule| ports(&rule["ports"]).contains(&(53, "UDP".to_owned()))));
    Ok(())
}
