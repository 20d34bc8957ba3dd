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
        ("the store denies to delete a: status code: 403 Forbidden: AccessDenied", "DeleteObject"),
        ("the server answered 501: NotImplemented: A header you provided", "onditional writes"),
        ("the server answered 405: MethodNotAllowed", "AWS_ENDPOINT_URL"),
        ("the server answered 411: MissingContentLength", "Content-Length"),
        ("status code: 403 Forbidden: AccessDenied: no", "ListBucket"),
        ("status code: 503 Service Unavailable: SlowDown", "endpoint and region"),
    ];
    for (chain, expected) in table {
        let advice = advice(S3, chain);
        assert!(advice.contains(expected), "{chain}: {advice}");
    }
}

#[test]
fn another_clouds_settings_are_not_named() {
    let refused = "403 Forbidden: AuthorizationFailure";
    let table = [
        (AZURE, "InvalidContentType", "AZURE_ENDPOINT"),
        (GOOGLE, "InvalidContentType", "GOOGLE_BASE_URL"),
        (AZURE, "the server answered 400: HTTP request to an HTTPS server", "AZURE_ENDPOINT"),
        (GOOGLE, "HTTP request was sent to HTTPS port", "GOOGLE_BASE_URL"),
        (AZURE, "Received redirect without LOCATION", "AZURE_STORAGE_ACCOUNT_NAME"),
        (GOOGLE, "the server answered 302", "GOOGLE_BASE_URL"),
        (AZURE, "403 Forbidden: AuthenticationFailed", "AZURE_STORAGE_ACCOUNT_KEY"),
        (GOOGLE, "the server answered 400: invalid_grant", "GOOGLE_SERVICE_ACCOUNT"),
        (AZURE, "404 Not Found: ContainerNotFound", "AZURE_ENDPOINT"),
        (GOOGLE, "404 Not Found: NoSuchBucket", "--store"),
        (AZURE, "the store denies to delete a: 403 Forbidden", "Blob Data Contributor"),
        (GOOGLE, "the store cannot delete a: 403", "storage.objects.delete"),
        (AZURE, "the server answered 405", "AZURE_ENDPOINT"),
        (GOOGLE, "the server answered 501: NotImplemented", "GOOGLE_BASE_URL"),
        (AZURE, refused, "Blob Data Contributor"),
        (GOOGLE, refused, "storage.objects.get"),
        (AZURE, "status code: 412 Precondition Failed", "onditional writes"),
        (None, "Permission denied (os error 13)", "bucket or folder exists"),
    ];
    for (cloud, chain, expected) in table {
        let advice = advice(cloud, chain);
        assert!(advice.contains(expected), "{cloud:?} {chain}: {advice}");
        assert!(!advice.contains("AWS_") && !advice.contains("s3:"), "{chain}: {advice}");
    }
}
