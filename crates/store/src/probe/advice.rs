//! What an operator looks at first, by whose interface it is, and what the client and the server said.
//! A table, no I/O.

use crate::location::Cloud;

/// One thing to look at.
struct Advice {
    /// Whose settings it names; without one it fits every store.
    of: Option<Cloud>,
    /// Any of these in the text means it.
    said: &'static [&'static str],
    look: &'static str,
}

const S3: Option<Cloud> = Some(Cloud::S3);
const GOOGLE: Option<Cloud> = Some(Cloud::Google);
const AZURE: Option<Cloud> = Some(Cloud::Azure);

/// The bucket is elsewhere.
const MOVED: &[&str] = &[
    "PermanentRedirect",
    "TemporaryRedirect",
    "its endpoint is",
    "Received redirect",
    "answered 301",
    "answered 302",
    "answered 307",
    "answered 308",
];

/// An S3 bucket is elsewhere, which its region says, or its endpoint.
const OTHER_REGION: &str = "The bucket is in another region or at another endpoint than was asked: set AWS_REGION to \
     the bucket's region, and AWS_ENDPOINT_URL, where it is set, to the endpoint of that region \
     (https:// where the server wants that)";

/// TLS was not spoken where it must be.
const TLS_ALONE: &[&str] =
    &["HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port"];

/// Nothing that speaks the interface.
const OTHER_INTERFACE: &[&str] = &[
    "NotImplemented",
    "answered 501",
    "MethodNotAllowed",
    "answered 405",
    "MissingContentLength",
    "answered 411",
];

/// The first that fits counts: what is said by few errors stands before what is said by many.
const TABLE: &[Advice] = &[
    Advice {
        // What systems say to a write beyond the end of a disk, or of what a user may have of it.
        of: None,
        said: &["No space left on device", "quota exceeded"],
        look: "The disk is full: make room or give the store a larger one. Sidecars keep what was not \
               acknowledged meanwhile, as far as their buffers reach",
    },
    Advice {
        // Paths of the services that hand out credentials to machines of Amazon, Google and Azure.
        of: None,
        said: &["latest/api/token", "latest/meta-data", "computeMetadata", "metadata/identity"],
        look: "No credentials are set, so the cloud's metadata service was asked, which gave none. Set \
               AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (GOOGLE_SERVICE_ACCOUNT, \
               AZURE_STORAGE_ACCOUNT_KEY), or give the pod's service account a role",
    },
    Advice {
        of: AZURE,
        said: &["InvalidContentType"],
        look: "What answers speaks no TLS: give http:// in AZURE_ENDPOINT and AZURE_ALLOW_HTTP=true, or the port that has TLS",
    },
    Advice {
        of: GOOGLE,
        said: &["InvalidContentType"],
        look: "What answers speaks no TLS: give http:// in GOOGLE_BASE_URL, or the port that has TLS",
    },
    Advice {
        of: S3,
        said: &["InvalidContentType"],
        look: "What answers speaks no TLS: give http:// in AWS_ENDPOINT_URL and AWS_ALLOW_HTTP=true, or \
               the port that has TLS",
    },
    Advice {
        of: None,
        said: &["invalid peer certificate"],
        look: "The server's certificate is not trusted: is the host's name in the endpoint the one that \
               the certificate has, is it still valid, and does the system (or SSL_CERT_FILE) have the \
               authority that signed it?",
    },
    Advice {
        of: AZURE,
        said: TLS_ALONE,
        look: "What answers speaks TLS alone: give https:// in AZURE_ENDPOINT",
    },
    Advice {
        of: GOOGLE,
        said: TLS_ALONE,
        look: "What answers speaks TLS alone: give https:// in GOOGLE_BASE_URL",
    },
    Advice {
        of: S3,
        said: TLS_ALONE,
        look: "What answers speaks TLS alone: give https:// in AWS_ENDPOINT_URL",
    },
    Advice {
        of: AZURE,
        said: MOVED,
        look: "The container is at another endpoint than was asked: set AZURE_STORAGE_ACCOUNT_NAME to the account that has it, and AZURE_ENDPOINT, where it is set, to that account's endpoint (https:// where the server wants that)",
    },
    Advice {
        of: GOOGLE,
        said: MOVED,
        look: "The bucket is at another endpoint than was asked: unset GOOGLE_BASE_URL, or set it to the endpoint itself (https:// where the server wants that)",
    },
    Advice {
        of: S3,
        said: &[
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraint",
            "IncorrectEndpoint",
            "its region is",
        ],
        look: OTHER_REGION,
    },
    Advice { of: S3, said: MOVED, look: OTHER_REGION },
    Advice {
        of: S3,
        said: &["ExpiredToken", "TokenRefreshRequired", "RequestExpired"],
        look: "The credentials have ended: set AWS_SESSION_TOKEN and its keys anew, or give the pod's \
               service account a role, whose credentials are renewed by themselves",
    },
    Advice {
        of: S3,
        said: &["InvalidToken"],
        look: "AWS_SESSION_TOKEN is not of AWS_ACCESS_KEY_ID, or not whole: set both anew, and unset it \
               for keys that have no session",
    },
    Advice {
        of: S3,
        said: &["InvalidAccessKeyId", "InvalidClientTokenId"],
        look: "The server does not know AWS_ACCESS_KEY_ID: is it of another server than \
               AWS_ENDPOINT_URL, or was it deleted?",
    },
    Advice {
        of: AZURE,
        said: &["AuthenticationFailed", "SignatureDoesNotMatch"],
        look: "The credentials do not fit AZURE_STORAGE_ACCOUNT_NAME (AZURE_STORAGE_ACCOUNT_KEY, or AZURE_STORAGE_SAS_KEY that has ended), or a proxy in between changes what is signed, such as the Host header",
    },
    Advice {
        of: GOOGLE,
        said: &["invalid_grant", "Invalid JWT", "answered 401", "401 Unauthorized"],
        look: "Google does not take these credentials: was the key in GOOGLE_SERVICE_ACCOUNT deleted, or is this machine's clock wrong?",
    },
    Advice {
        of: S3,
        said: &["SignatureDoesNotMatch"],
        look: "The secret does not fit its key (AWS_SECRET_ACCESS_KEY), or a \
               proxy in between changes what is signed, such as the Host header",
    },
    Advice {
        of: None,
        said: &["RequestTimeTooSkewed"],
        look: "This machine's clock and the store's are more than 15 minutes apart: set the clock",
    },
    Advice {
        of: AZURE,
        said: &["ContainerNotFound", "ResourceNotFound", "InvalidResourceName"],
        look: "There is no such container where it was asked: make it, or correct the name in --store, AZURE_STORAGE_ACCOUNT_NAME or AZURE_ENDPOINT",
    },
    Advice {
        of: GOOGLE,
        said: &["NoSuchBucket", "bucket does not exist", "InvalidBucketName"],
        look: "There is no such bucket where it was asked: make it, or correct the name in --store or GOOGLE_BASE_URL",
    },
    Advice {
        of: S3,
        said: &["NoSuchBucket", "bucket does not exist", "InvalidBucketName"],
        look: "There is no such bucket where it was asked: make it, or correct the name in --store, \
               AWS_ENDPOINT_URL or AWS_VIRTUAL_HOSTED_STYLE_REQUEST (true when the bucket stands in the \
               host's name)",
    },
    Advice {
        of: S3,
        said: &["hecksum", "BadDigest", "SHA256Mismatch"],
        look: "The server does not take this checksum: unset AWS_CHECKSUM_ALGORITHM, or set \
               AWS_UNSIGNED_PAYLOAD=true where a proxy changes bodies",
    },
    Advice {
        of: None,
        said: &[
            "f-None-Match",
            "onditional",
            "PreconditionFailed",
            "answered 412",
            "412 Precondition",
        ],
        look: "The server does not do conditional writes (If-None-Match: *) as they should be, and \
               acknowledged spans hang on them: use a store that has them (Amazon S3, Google Cloud \
               Storage, Azure Blob, Cloudflare R2, a current Ceph or MinIO)",
    },
    Advice {
        of: AZURE,
        said: &["to delete", "cannot delete"],
        look: "The credentials or the server do not let blobs be deleted: give the identity Storage Blob Data Contributor, and take immutability policies and locks away",
    },
    Advice {
        of: GOOGLE,
        said: &["to delete", "cannot delete"],
        look: "The credentials or the bucket do not let objects be deleted: allow storage.objects.delete, and take retention policies and holds away",
    },
    Advice {
        of: S3,
        said: &["to delete", "cannot delete"],
        look: "The credentials or the server do not let objects be deleted: allow DeleteObject. Where \
               only many at once are refused, they are deleted one by one; AWS_DISABLE_BULK_DELETE=true \
               spares the attempt",
    },
    Advice {
        of: AZURE,
        said: OTHER_INTERFACE,
        look: "What answers is no blob interface of Azure's, or a proxy in front of it: set AZURE_ENDPOINT to the interface itself, and have proxies leave methods and Content-Length as they are",
    },
    Advice {
        of: GOOGLE,
        said: OTHER_INTERFACE,
        look: "What answers has not the XML interface of Google Cloud Storage, or is a proxy in front of it: set GOOGLE_BASE_URL to the interface itself, and have proxies leave methods and Content-Length as they are",
    },
    Advice {
        of: S3,
        said: &["NotImplemented", "answered 501"],
        look: "The server has not what was asked for: mostly conditional writes (If-None-Match: *), or a \
               checksum (AWS_CHECKSUM_ALGORITHM). Bring it to a version that has them. For deleting many \
               objects at once it need not, with AWS_DISABLE_BULK_DELETE=true",
    },
    Advice {
        of: S3,
        said: &["MethodNotAllowed", "answered 405", "MissingContentLength", "answered 411"],
        look: "What answers is no S3 interface, or a proxy in front of it: set AWS_ENDPOINT_URL to the \
               interface itself and not to a console or a website's endpoint, and have proxies leave \
               methods and Content-Length as they are",
    },
    Advice {
        of: AZURE,
        said: &["AuthorizationPermissionMismatch", "AuthorizationFailure", "403 Forbidden"],
        look: "The credentials may not do that: they must read, write, list and delete below it (Storage Blob Data Contributor), also by the account's network rules",
    },
    Advice {
        of: GOOGLE,
        said: &["AccessDenied", "403 Forbidden"],
        look: "The credentials may not do that: they must read, write, list and delete below it (storage.objects.get, create, delete and list: the role Storage Object User)",
    },
    Advice {
        of: S3,
        said: &["AccessDenied", "403 Forbidden"],
        look: "The credentials may not do that: they must read, write, list and delete below it \
               (s3:GetObject, PutObject, DeleteObject, ListBucket), also by the bucket's own policy, its \
               key's (KMS) and its network rules",
    },
];

const ELSE: &str = "Check that the bucket or folder exists, that the endpoint and region are right, and \
                    that the credentials may read, write, list and delete below it";

/// What to look at, by the interface that a store speaks, where it speaks one, and the chain of causes.
pub(super) fn advice(cloud: Option<Cloud>, chain: &str) -> &'static str {
    let fits = |advice: &&Advice| {
        (advice.of.is_none() || advice.of == cloud)
            && advice.said.iter().any(|said| chain.contains(said))
    };
    TABLE.iter().find(fits).map_or(ELSE, |advice| advice.look)
}

#[cfg(test)]
mod tests;
