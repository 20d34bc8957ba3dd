"""moto's server with conditional writes that are atomic, as those of a real store are.

moto looks whether an object is there and writes it in two steps, and another of its threads may come
between: two creates of one object win. Here such requests are served one at a time, each when its
body is whole, so that a client that stops in the middle keeps no other waiting.

Google's XML interface is that of S3 but for what it calls some things: "create only" is a generation
of 0 that the object must have, and requests bear a token or nothing. Such requests are put into S3's
words, so that the same server stands in for Google's.
"""

import io
import threading

from moto import server

ONE_AT_A_TIME = threading.Lock()

# moto wants a signature, and does not check it.
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=google/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


class Application(server.DomainDispatcherApplication):
    def __call__(self, environ, start_response):
        if not environ.get("HTTP_AUTHORIZATION", "").startswith("AWS4"):
            environ["HTTP_AUTHORIZATION"] = SIGNED
        if environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None) == "0":
            environ["HTTP_IF_NONE_MATCH"] = "*"
        if "HTTP_IF_NONE_MATCH" not in environ:
            return super().__call__(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with ONE_AT_A_TIME:
            return super().__call__(environ, start_response)


server.DomainDispatcherApplication = Application
server.main()
