"""moto's server with conditional writes that are atomic, as those of a real store are.

moto looks whether an object is there and writes it in two steps, and another of its threads may come
between: two creates of one object win. Here such requests are served one at a time, each when its
body is whole, so that a client that stops in the middle keeps no other waiting.
"""

import io
import threading

from moto import server

ONE_AT_A_TIME = threading.Lock()


class Application(server.DomainDispatcherApplication):
    def __call__(self, environ, start_response):
        if "HTTP_IF_NONE_MATCH" not in environ:
            return super().__call__(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with ONE_AT_A_TIME:
            return super().__call__(environ, start_response)


server.DomainDispatcherApplication = Application
server.main()
