"""moto's server with conditional writes that are atomic, as those of a real store are.

moto looks whether an object is there and writes it in two steps, and another of its threads may come
between: two creates of one object win. Here such requests are served one at a time, each when its
body is whole, so that a client that stops in the middle keeps no other waiting.

Google's XML interface is that of S3 but for what it calls some things: "create only" is a generation
of 0 that the object must have, and requests bear a token or nothing. Such requests are put into S3's
words, so that the same server stands in for Google's.

While `PUT /.denied` has said "SHARE SALT", objects of which SHARE out of a hundred are chosen by their
key and SALT may be listed and written, and not read.
"""

import io
import threading
import zlib

from moto import server

ONE_AT_A_TIME = threading.Lock()

# moto wants a signature, and does not check it.
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=google/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=00"
)

# What an ingester asks before it starts at all is always answered.
MAY_BE_DENIED = ("/blocks/", "/journal/live/", "/journal/log/", "/journal/windows/", "/journal/floor/")

DENIAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Denied:
    """Which objects may not be read."""

    share, salt = 0, b""

    @classmethod
    def say(cls, body):
        share, cls.salt = body.split()
        cls.share = int(share)

    @classmethod
    def holds(cls, environ):
        key = environ["PATH_INFO"]
        read = environ["REQUEST_METHOD"] in ("GET", "HEAD") and any(part in key for part in MAY_BE_DENIED)
        return read and zlib.crc32(key.encode() + cls.salt) % 100 < cls.share


class Application(server.DomainDispatcherApplication):
    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/.denied":
            Denied.say(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            start_response("200 OK", [("content-length", "0")])
            return []
        if Denied.holds(environ):
            start_response("403 Forbidden", [("content-type", "application/xml")])
            return [DENIAL]
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
