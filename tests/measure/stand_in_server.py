"""A server of a few lines with chosen faults:  stand_in_server.py MODE

MODE: good, half (every second answer is a 500), drop (closes after ten answers), stumbles (dies before it is
ready), mute (never becomes ready).
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = sys.argv[1]
answered = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        global answered
        answered += 1
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        failed = MODE == "half" and answered % 2 == 0
        body = json.dumps({"detail": "out of luck"} if failed else {"predictions": asked["records"]}).encode()
        self.send_response(500 if failed else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = MODE == "drop" and answered > 10

    def log_message(self, format: str, *args: object) -> None:
        pass


if MODE == "stumbles":
    print(json.dumps({"error": "model.onnx is damaged", "type": "InputError", "expected": "", "to_do": ""}),
          file=sys.stderr)  # fmt: skip
    raise SystemExit(2)
if MODE == "mute":
    print("still loading", flush=True)
    time.sleep(60)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("a line that is not JSON")
print(json.dumps({"ready": True, "port": server.server_address[1]}), flush=True)
server.serve_forever()
