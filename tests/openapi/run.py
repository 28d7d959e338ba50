"""The running server against its own OpenAPI document: generated requests, right and wrong ones.

Whatever is sent, the answer is one that the document names, in the shape that it names, never a 5xx of the server's own; and a
request that the document forbids is refused. The seed is fixed, so that a finding comes back.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CSTAR = os.environ.get("CSTAR_BIN", str(pathlib.Path(__file__).parents[2] / "target/debug/cstar"))
SEED = "20251210"
# Together with the cases that cover each boundary, more than CASES_MIN.
EXAMPLES = os.environ.get("CSTAR_EXAMPLES", "80")
CHAINS = "50"
CASES_MIN = 5000
PLATFORM_KEY = "platform-key-of-the-tests-0123456789"
# An open stream has no end; its refusals are tested elsewhere.
LEFT_OUT = r"/realtime$"
# Whether a schema-valid request is taken depends on more than its schema: a URL's target, an instant that is past.
CHECKS_LEFT_OUT = "positive_data_acceptance"
START_SECONDS = 60
# What may be said of a request that the document forbids; a batch that is too long is 413.
REFUSALS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429"]
"""

# Nothing here leaves this machine.
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]


def call(url, body=None):
    request = urllib.request.Request(url, method="GET" if body is None else "POST")
    request.add_header("authorization", f"Bearer {PLATFORM_KEY}")
    request.add_header("content-type", "application/json")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=10) as answer:
        return json.load(answer)


def start(directory, port):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CSTAR_")}
    environment["CSTAR_PLATFORM_KEY"] = PLATFORM_KEY
    listen = f"127.0.0.1:{port}"
    line = [CSTAR, "serve", "--data", f"{directory}/data", "--listen", listen, "--log", "error", "--allow-http"]
    line += ["--allow-targets", "127.0.0.0/8"]
    server = subprocess.Popen(line, env=environment)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            call(f"http://{listen}/readyz")
            return server, f"http://{listen}"
        except (urllib.error.URLError, ConnectionError):
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                sys.exit("the server did not get ready")
            time.sleep(0.05)


def known(api):
    """Things that are there, so that not every request for one ends in a 404."""
    team = call(f"{api}/v1/teams", {"name": "tests"})["id"]
    of_team = f"{api}/v1/teams/{team}"
    webhook = call(f"{of_team}/webhooks", {"url": "http://127.0.0.1:9999/", "events": ["*"], "enabled": False})["id"]
    enabled = call(f"{of_team}/webhooks", {"url": "http://127.0.0.1:9999/", "events": ["boss.*"]})["id"]
    key = call(f"{of_team}/keys", {"name": "k", "scopes": ["events:read"]})["id"]
    event = call(f"{of_team}/events", {"type": "boss.spawned", "data": {"id": "1"}})["id"]
    delivery = call(f"{of_team}/deliveries?webhook={enabled}")["data"][0]["id"]
    notice = call(f"{api}/v1/notices", {"url": "http://127.0.0.1:9999/"})["id"]
    operation = call(f"{of_team}/deliveries/resend", {"status": "failed"})["id"]
    return {
        "team": team, "webhook": webhook, "key": key, "event": event, "delivery": delivery, "operation": operation,
        "notice": notice, "type": "boss.spawned", "code": "not_found",
    }


def schemathesis(directory, api, *more):
    """Runs it; how many cases there were."""
    report = pathlib.Path(directory, "report.json")
    line = [
        pathlib.Path(sys.executable).with_name("st"), *more, f"{api}/openapi.json", "--seed", SEED, "--workers", "2",
        "-H", f"Authorization: Bearer {PLATFORM_KEY}", "--exclude-path-regex", LEFT_OUT,
        "--exclude-checks", CHECKS_LEFT_OUT, "--report-json-path", report,
    ]
    if subprocess.run(line, cwd=directory).returncode != 0:
        sys.exit("the server and its description differ, as told above")
    return json.loads(report.read_text())["test_cases"]["generated"]


def main():
    with tempfile.TemporaryDirectory(prefix="cstar-openapi-") as directory:
        # Below the range that the system gives to outgoing connections.
        server, api = start(directory, 20_000 + os.getpid() % 10_000)
        try:
            plain, with_known = pathlib.Path(directory, "plain.toml"), pathlib.Path(directory, "known.toml")
            rows = [f'"path.{name}" = "{value}"' for name, value in known(api).items()]
            plain.write_text(REFUSALS)
            with_known.write_text("[parameters]\n" + "\n".join(rows) + "\n" + REFUSALS)
            first = ["--config-file", with_known, "run", "--phases", "examples,coverage,fuzzing"]
            # It would take away what all others ask for; the second run has it.
            first += ["--exclude-operation-id", "deleteTeam", "--max-examples", EXAMPLES]
            cases = schemathesis(directory, api, *first)
            cases += schemathesis(
                directory, api, "--config-file", plain, "run", "--phases", "stateful", "--max-examples", CHAINS
            )
            print(f"{cases} cases")
            if cases < CASES_MIN:
                sys.exit(f"fewer than {CASES_MIN}: raise EXAMPLES")
        finally:
            server.terminate()
            server.wait(60)


main()
