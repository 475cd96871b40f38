"""Makes anew what `tests/data/terraform` holds: `python -m tests.contract.terraform.record` in the checkout.

Terraform and its provider for AWS plan and apply the configuration there against the simulator; kept are what they say
of it, and what they asked AWS Batch to make.
"""

import io
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from providers.clock import SystemClock
from providers.simulator import Simulator, Store, wire
from tests import programs
from tests.commands import Shell
from tests.contract.terraform.life import SPEED, settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

DATA = Path(__file__).parent.parent.parent / "data" / "terraform"
_MADE = ("create", "register", "update")


@attrs.frozen
class Recorder:
    """A WSGI application around another that keeps what it is asked to make: the path of each call and its body."""

    application: "WSGIApplication"
    calls: list[dict[str, Any]] = attrs.field(factory=list)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        word = environ["PATH_INFO"].rpartition("/")[2]
        if word.startswith(_MADE):
            self.calls.append({"operation": word, "arguments": json.loads(body)})
        return self.application(environ, start_response)


def main() -> None:
    home = Path(tempfile.mkdtemp())
    shutil.copytree(DATA, home, dirs_exist_ok=True)
    store = Store.open(None, SystemClock().now(), SPEED)
    recorder = Recorder(Simulator(store, store.clock()).wsgi)
    with _served(recorder) as url:
        environ = {**Shell(home).environ, "TF_CLI_CONFIG_FILE": str(settings(home)), "TF_VAR_endpoint": url}

        def terraform(*command: str) -> str:
            line = [programs.path("terraform"), *command]
            return subprocess.run(line, cwd=home, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout

        def keep(name: str, text: str) -> None:
            document = json.loads(text.replace(url, "http://127.0.0.1:8600"))
            (DATA / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")

        terraform("init", "-input=false")
        terraform("plan", "-input=false", "-out=fresh")
        keep("fresh", terraform("show", "-json", "fresh"))
        terraform("apply", "-input=false", "-auto-approve", "fresh")
        keep("state", terraform("state", "pull"))
        keep("show", terraform("show", "-json"))
        terraform("plan", "-input=false", "-out=later", "-var=later=true")
        keep("plan", terraform("show", "-json", "later"))
        keep("calls", json.dumps(recorder.calls))
    store.close()
    shutil.rmtree(home)


@contextmanager
def _served(application: "WSGIApplication") -> Any:
    import threading

    server = wire.listen(application, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    main()
