"""Stands for a model server: ``python fake_local.py KIND PORT``."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        Health.asked += 1
        self.send_response(503 if Health.asked < 3 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if sys.argv[1] == "ends":
        sys.exit(1)
    server = HTTPServer(("127.0.0.1", int(sys.argv[2])), Health)
    if sys.argv[1] == "serves":
        import threading

        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:  # "stays": deaf to the end of its input
        server.serve_forever()
