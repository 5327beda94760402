"""Item 11: other sites, which know the visitor's browser and would talk to the server through it."""

from benchmarks.load.visitor import API
from benchmarks.robustness.attacks.record import Attack, AttackResult, Target

EVIL = "http://evil.example"
PATHS = ("/", "/config", f"{API}/info")


async def hosts(target: Target) -> AttackResult:
    """Ask under another name, as a page does whose name was bound anew to this machine (DNS rebinding)."""
    served = []
    for host in (
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[::1].evil",
        "",
    ):
        async with target.client(Host=host, Origin=EVIL) as client:
            served += [f"{host!r} {path}" for path in PATHS if (await client.get(path)).status_code == 200]
    return AttackResult(bool(served), f"served: {', '.join(served[:3])}" if served else "no other host was served")


async def origins(target: Target) -> AttackResult:
    """Post from another site's page."""
    event, taken = target.event("consent", "input"), list[str]()
    for origin in (EVIL, "null", "https://127.0.0.1.evil.example", "file://"):
        async with target.client(Origin=origin) as client:
            body = target.body(event, {}, "0123456789ab")
            posts = {
                "join": await client.post(f"{API}/queue/join", json=body),
                "run": await client.post(f"{API}/run/predict", json=body),
                "upload": await client.post(f"{API}/upload", files={"files": ("a.png", b"a")}),
                "cancel": await client.post(
                    f"{API}/cancel", json={"session_hash": "a", "fn_index": 0, "event_id": "a"}
                ),
            }
            taken += [f"{what} from {origin}" for what, response in posts.items() if response.status_code == 200]
    return AttackResult(bool(taken), f"taken: {', '.join(taken[:4])}" if taken else "no other origin was heard")


async def sharing(target: Target) -> AttackResult:
    """Ask for leave to read the answers (CORS)."""
    granted = list[str]()
    for host in (target.address.removeprefix("http://"), "evil.example"):
        async with target.client(Host=host, Origin=EVIL) as client:
            ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
            for answer in (await client.get("/config"), await client.options(f"{API}/queue/join", headers=ask)):
                allowed = answer.headers.get("access-control-allow-origin")
                if allowed in (EVIL, "*", "null"):
                    granted.append(f"{answer.request.method} under the host {host}")
    return AttackResult(bool(granted), f"granted: {', '.join(granted)}" if granted else "no other origin was granted")


async def headers(target: Target) -> AttackResult:
    """Frame the page, or have a file taken for something else."""
    missing = list[str]()
    async with target.client() as client:
        sent = await client.post(
            f"{API}/upload", files={"files": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")}
        )
        paths = [*PATHS, *(f"{API}/file={one}" for one in (sent.json() if sent.status_code == 200 else []))]
        for path in paths:
            answer = await client.get(path)
            policy = answer.headers.get("content-security-policy", "")
            missing += [] if "frame-ancestors" in policy else [f"frame-ancestors of {path[:20]}"]
            nosniff = answer.headers.get("x-content-type-options") == "nosniff"
            missing += [] if nosniff else [f"nosniff of {path[:20]}"]
    return AttackResult(bool(missing), f"missing: {', '.join(missing[:3])}" if missing else "all headers are there")


ATTACKS = (
    Attack(name="other hosts", item="11", harm="reach a server at home by DNS rebinding", run=hosts, quick=True),
    Attack(name="other origins", item="11", harm="upload and run from another site's page", run=origins, quick=True),
    Attack(name="sharing", item="11", harm="read the answers from another site's page", run=sharing, quick=True),
    Attack(name="framing", item="11", harm="show the page in another's, or run an upload", run=headers, quick=True),
)
