//! What is set by half, when nothing gives a credential: mostly one object of Kubernetes is missing.

/// A pair of settings that are of use together only.
struct Pair {
    has: &'static str,
    lacks: &'static str,
    look: &'static str,
}

const AMAZON: &[Pair] = &[
    Pair {
        has: "AWS_ROLE_ARN",
        lacks: "AWS_WEB_IDENTITY_TOKEN_FILE",
        look: "the pod's ServiceAccount wants the annotation eks.amazonaws.com/role-arn, and the pod to \
               be made after it",
    },
    Pair {
        has: "AWS_WEB_IDENTITY_TOKEN_FILE",
        lacks: "AWS_ROLE_ARN",
        look: "set it to the role that the token is exchanged for",
    },
    Pair {
        has: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        lacks: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        look: "EKS Pod Identity sets both in pods that are made after the association was",
    },
];

const AZURE: &[Pair] = &[
    Pair {
        has: "AZURE_CLIENT_ID",
        lacks: "AZURE_FEDERATED_TOKEN_FILE",
        look: "the pod itself, not its ServiceAccount alone, wants the label \
               azure.workload.identity/use: \"true\"",
    },
    Pair {
        has: "AZURE_FEDERATED_TOKEN_FILE",
        lacks: "AZURE_CLIENT_ID",
        look: "the pod's ServiceAccount wants the annotation azure.workload.identity/client-id",
    },
    Pair {
        has: "AZURE_FEDERATED_TOKEN_FILE",
        lacks: "AZURE_TENANT_ID",
        look: "set it to the directory of the identity",
    },
];

/// What other programs take credentials from, and this one does not.
pub(crate) const NOT_READ: [&str; 3] =
    ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"];

/// For S3, by which variables have a value.
pub(crate) fn amazon(is_set: impl Fn(&str) -> bool) -> String {
    let of_role = AMAZON.iter().any(|pair| is_set(pair.has));
    if let Some(name) = NOT_READ.iter().find(|name| !of_role && is_set(name)) {
        return format!(
            "{name} is set, but profiles and shared credential files are not read: set \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what stands there, or give the pod's \
             ServiceAccount a role"
        );
    }
    by_half(AMAZON, &is_set).unwrap_or_else(|| match of_role {
        true => "is the role there, and does it trust this ServiceAccount?".to_owned(),
        false => "none of AWS_ACCESS_KEY_ID, AWS_ROLE_ARN and AWS_CONTAINER_CREDENTIALS_FULL_URI is set, \
                  so that the machine's metadata service was asked: give the pod's ServiceAccount a role, \
                  or set keys"
            .to_owned(),
    })
}

/// For Azure Blob, by which variables have a value.
pub(crate) fn azure(is_set: impl Fn(&str) -> bool) -> String {
    by_half(AZURE, &is_set).unwrap_or_else(|| match AZURE.iter().any(|pair| is_set(pair.has)) {
        true => "has the identity a federated credential for this ServiceAccount?".to_owned(),
        false => "none of AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN and \
                  AZURE_FEDERATED_TOKEN_FILE is set, so that the machine's managed identity was asked \
                  for: give the pod a workload identity, or set a key"
            .to_owned(),
    })
}

/// For Google Cloud Storage.
pub(crate) fn google() -> String {
    "GOOGLE_SERVICE_ACCOUNT is not set, so that the machine's metadata server was asked: on GKE the \
     node pool wants Workload Identity, and the pod's ServiceAccount a role on the bucket"
        .to_owned()
}

fn by_half(pairs: &[Pair], is_set: &impl Fn(&str) -> bool) -> Option<String> {
    let half = pairs.iter().find(|pair| is_set(pair.has) && !is_set(pair.lacks))?;
    Some(format!("{} is set and {} is not: {}", half.has, half.lacks, half.look))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let table: [(&[&str], &str); 8] = [
            (&[], "none of AWS_ACCESS_KEY_ID"),
            (&["AWS_PROFILE"], "AWS_PROFILE is set, but profiles"),
            (&["AWS_ROLE_ARN", "AWS_PROFILE"], "AWS_WEB_IDENTITY_TOKEN_FILE is not"),
            (&["AWS_ROLE_ARN"], "AWS_WEB_IDENTITY_TOKEN_FILE is not"),
            (&["AWS_WEB_IDENTITY_TOKEN_FILE"], "AWS_ROLE_ARN is not"),
            (&["AWS_CONTAINER_CREDENTIALS_FULL_URI"], "_AUTHORIZATION_TOKEN_FILE is not"),
            (&["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"], "trust this ServiceAccount"),
            (
                &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"],
                "trust this ServiceAccount",
            ),
        ];
        for (set, expected) in table {
            let said = amazon(|name| set.contains(&name));
            assert!(said.contains(expected), "{set:?}: {said}");
        }
        let table: [(&[&str], &str); 4] = [
            (&[], "none of AZURE_STORAGE_ACCOUNT_KEY"),
            (&["AZURE_CLIENT_ID", "AZURE_TENANT_ID"], "azure.workload.identity/use"),
            (&["AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"], "client-id"),
            (
                &["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
                "federated credential",
            ),
        ];
        for (set, expected) in table {
            let said = azure(|name| set.contains(&name));
            assert!(said.contains(expected), "{set:?}: {said}");
        }
    }
}
