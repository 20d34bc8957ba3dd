//! What an operator looks at first, by what the client and the server said. A table, no I/O.

/// One thing to look at.
struct Advice {
    /// Any of these in the text means it.
    said: &'static [&'static str],
    look: &'static str,
}

/// The first that fits counts: what is said by few errors stands before what is said by many.
const TABLE: &[Advice] = &[
    Advice {
        // What systems say to a write beyond the end of a disk, or of what a user may have of it.
        said: &["No space left on device", "quota exceeded"],
        look: "The disk is full: make room or give the store a larger one. Sidecars keep what was not \
               acknowledged meanwhile, as far as their buffers reach",
    },
    Advice {
        // Paths of the services that hand out credentials to machines of Amazon, Google and Azure.
        said: &["latest/api/token", "latest/meta-data", "computeMetadata", "metadata/identity"],
        look: "No credentials are set, so the cloud's metadata service was asked, which gave none. Set \
               AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (GOOGLE_SERVICE_ACCOUNT, \
               AZURE_STORAGE_ACCOUNT_KEY), or give the pod's service account a role",
    },
    Advice {
        said: &["InvalidContentType"],
        look: "What answers speaks no TLS: give http:// in AWS_ENDPOINT_URL and AWS_ALLOW_HTTP=true, or \
               the port that has TLS",
    },
    Advice {
        said: &["invalid peer certificate"],
        look: "The server's certificate is not trusted: is the host's name in the endpoint the one that \
               the certificate has, is it still valid, and does the system (or SSL_CERT_FILE) have the \
               authority that signed it?",
    },
    Advice {
        said: &["HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port"],
        look: "What answers speaks TLS alone: give https:// in AWS_ENDPOINT_URL",
    },
    Advice {
        said: &[
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraint",
            "IncorrectEndpoint",
            "PermanentRedirect",
            "TemporaryRedirect",
            "its region is",
            "its endpoint is",
            "Received redirect",
            "answered 301",
            "answered 302",
            "answered 307",
            "answered 308",
        ],
        look: "The bucket is in another region or at another endpoint than was asked: set AWS_REGION to \
               the bucket's region, and AWS_ENDPOINT_URL, where it is set, to the endpoint of that region \
               (https:// where the server wants that)",
    },
    Advice {
        said: &["ExpiredToken", "TokenRefreshRequired", "RequestExpired"],
        look: "The credentials have ended: set AWS_SESSION_TOKEN and its keys anew, or give the pod's \
               service account a role, whose credentials are renewed by themselves",
    },
    Advice {
        said: &["InvalidToken"],
        look: "AWS_SESSION_TOKEN is not of AWS_ACCESS_KEY_ID, or not whole: set both anew, and unset it \
               for keys that have no session",
    },
    Advice {
        said: &["InvalidAccessKeyId", "InvalidClientTokenId"],
        look: "The server does not know AWS_ACCESS_KEY_ID: is it of another server than \
               AWS_ENDPOINT_URL, or was it deleted?",
    },
    Advice {
        said: &["SignatureDoesNotMatch", "AuthenticationFailed"],
        look: "The secret does not fit its key (AWS_SECRET_ACCESS_KEY, AZURE_STORAGE_ACCOUNT_KEY), or a \
               proxy in between changes what is signed, such as the Host header",
    },
    Advice {
        said: &["RequestTimeTooSkewed"],
        look: "This machine's clock and the store's are more than 15 minutes apart: set the clock",
    },
    Advice {
        said: &["NoSuchBucket", "ContainerNotFound", "bucket does not exist", "InvalidBucketName"],
        look: "There is no such bucket where it was asked: make it, or correct the name in --store, \
               AWS_ENDPOINT_URL or AWS_VIRTUAL_HOSTED_STYLE_REQUEST (true when the bucket stands in the \
               host's name)",
    },
    Advice {
        said: &["hecksum", "BadDigest", "SHA256Mismatch"],
        look: "The server does not take this checksum: unset AWS_CHECKSUM_ALGORITHM, or set \
               AWS_UNSIGNED_PAYLOAD=true where a proxy changes bodies",
    },
    Advice {
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
        said: &["to delete", "cannot delete"],
        look: "The credentials or the server do not let objects be deleted: allow DeleteObject. Where \
               only many at once are refused, they are deleted one by one; AWS_DISABLE_BULK_DELETE=true \
               spares the attempt",
    },
    Advice {
        said: &["NotImplemented", "answered 501"],
        look: "The server has not what was asked for: mostly conditional writes (If-None-Match: *), or a \
               checksum (AWS_CHECKSUM_ALGORITHM). Bring it to a version that has them. For deleting many \
               objects at once it need not, with AWS_DISABLE_BULK_DELETE=true",
    },
    Advice {
        said: &["MethodNotAllowed", "answered 405", "MissingContentLength", "answered 411"],
        look: "What answers is no S3 interface, or a proxy in front of it: set AWS_ENDPOINT_URL to the \
               interface itself and not to a console or a website's endpoint, and have proxies leave \
               methods and Content-Length as they are",
    },
    Advice {
        said: &[
            "AccessDenied",
            "AuthorizationPermissionMismatch",
            "AuthorizationFailure",
            "403 Forbidden",
        ],
        look: "The credentials may not do that: they must read, write, list and delete below it \
               (s3:GetObject, PutObject, DeleteObject, ListBucket), also by the bucket's own policy, its \
               key's (KMS) and its network rules",
    },
];

const ELSE: &str = "Check that the bucket or folder exists, that the endpoint and region are right, and \
                    that the credentials may read, write, list and delete below it";

/// What to look at, by the chain of causes.
pub(super) fn advice(chain: &str) -> &'static str {
    let fits = |advice: &&Advice| advice.said.iter().any(|said| chain.contains(said));
    TABLE.iter().find(fits).map_or(ELSE, |advice| advice.look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_named() {
        let table = [
            ("Error performing PUT http://169.254.169.254/latest/api/token", "AWS_ACCESS_KEY_ID"),
            (
                "Error performing PUT http://127.0.0.1:9000/b/journal/probe/0/create",
                "endpoint and region",
            ),
            ("Unable to copy data to file: No space left on device (os error 28)", "disk is full"),
            ("Disk quota exceeded (os error 122)", "disk is full"),
            ("the server answered 400: AuthorizationHeaderMalformed: expecting 'b'", "AWS_REGION"),
            ("the server answered 301: PermanentRedirect: its endpoint is e", "AWS_ENDPOINT_URL"),
            ("the server answered 307: its region is eu-central-1", "AWS_REGION"),
            ("Received redirect without LOCATION", "AWS_REGION"),
            ("the server answered 400: ExpiredToken: it has ended", "AWS_SESSION_TOKEN"),
            ("the server answered 400: InvalidToken", "AWS_SESSION_TOKEN"),
            ("status code: 403 Forbidden: InvalidAccessKeyId: who?", "AWS_ACCESS_KEY_ID"),
            ("status code: 403 Forbidden: SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
            ("status code: 403 Forbidden: RequestTimeTooSkewed", "clock"),
            ("status code: 404 Not Found: NoSuchBucket", "--store"),
            ("status code: 404 Not Found: ContainerNotFound", "--store"),
            (
                "the server answered 400: InvalidRequest: x-amz-checksum-sha256",
                "AWS_CHECKSUM_ALGORITHM",
            ),
            (
                "the server answered 400: InvalidArgument: If-None-Match is not known",
                "onditional writes",
            ),
            ("status code: 412 Precondition Failed: PreconditionFailed", "onditional writes"),
            (
                "the store cannot delete a: the server answered 501: NotImplemented",
                "AWS_DISABLE_BULK_DELETE",
            ),
            (
                "the store denies to delete a: status code: 403 Forbidden: AccessDenied",
                "DeleteObject",
            ),
            ("the server answered 501: NotImplemented: A header you provided", "onditional writes"),
            ("the server answered 405: MethodNotAllowed", "AWS_ENDPOINT_URL"),
            ("the server answered 411: MissingContentLength", "Content-Length"),
            ("status code: 403 Forbidden: AccessDenied: no", "ListBucket"),
            ("status code: 503 Service Unavailable: SlowDown", "endpoint and region"),
        ];
        for (chain, expected) in table {
            assert!(advice(chain).contains(expected), "{chain}: {}", advice(chain));
        }
    }
}
