"""The rules of observers and proxies, each taken out once; rows as in `tests/mutants.py`."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

FIELDS: Final = "tests/test_events.py"
SESSION: Final = "tests/session/test_events.py"
FAILURES: Final = "tests/session/test_events_of_failures.py"
PROXY: Final = "tests/session/test_proxy.py"
HOSTILE: Final = "tests/session/test_proxy_hostile.py"
NAMES: Final = "tests/session/test_proxy_names.py"

OBSERVE_MUTANTS: Final = (
    Mutant(
        "an event has room for a server's words",
        "events.py",
        "    reason: CertificateReason | DiscoveryReason | None = None\n",
        "    reason: CertificateReason | DiscoveryReason | str | None = None\n",
        f"{FIELDS}::test_no_event_has_a_field_that_could_hold_a_secret",
    ),
    Mutant(
        "an observer that raises ends the session",
        "aio/audience.py",
        "        except Exception:",
        "        except ArithmeticError:",
        f"{SESSION}::test_an_observer_that_raises_is_logged_once_and_the_session_goes_on",
    ),
    Mutant(
        "an observer that raises is not heard of",
        "aio/audience.py",
        '                _log.exception("an observer raised; the session goes on")\n',
        "                pass\n",
        f"{SESSION}::test_an_observer_that_raises_is_logged_once_and_the_session_goes_on",
    ),
    Mutant(
        "refusals are not told",
        "aio/reporter.py",
        "            if isinstance(exc, PolicyError):\n",
        "            if False:\n",
        f"{FAILURES}::test_a_refusal_tells_every_shortfall",
    ),
    Mutant(
        "more than the proxy's own answer is read",
        "aio/tunnel.py",
        "            head += await self.read_exactly(1)\n",
        "            head += await self._loop.sock_recv(self._socket, 65536)\n",
        f"{PROXY}::test_what_the_server_says_right_behind_the_proxys_answer_is_not_lost",
    ),
    Mutant(
        "a proxy may answer without end",
        "aio/tunnel.py",
        "            if len(head) >= limits.PROXY_HEAD_BYTES:\n",
        "            if False:\n",
        f"{HOSTILE}::test_a_hostile_proxy_is_a_connect_error_and_no_octet_of_mail_leaves",
    ),
    Mutant(
        "the frames of a negotiation that was broken off are kept",
        "aio/tunnel.py",
        "        raise exc.with_traceback(None) from None\n",
        "        raise\n",
        f"{HOSTILE}::test_a_proxy_that_hangs_is_given_up_in_time_and_no_local_shows_its_password",
    ),
    Mutant(
        "a proxy is quoted",
        "aio/tunnel.py",
        'f"refused: HTTP status {code}" if is_status',
        'f"refused: {exc}" if is_status',
        f"{HOSTILE}::test_a_proxy_that_repeats_the_password_is_not_quoted",
    ),
    Mutant(
        "behind a proxy names are looked up here",
        "aio/tunnel.py",
        "        rdns=True,\n",
        "        rdns=False,\n",
        f"{NAMES}::test_the_servers_name_is_not_looked_up",
    ),
    Mutant(
        "any resolver is asked about a server behind a proxy",
        "aio/route.py",
        "    if not may_ask:\n",
        "    if False:\n",
        f"{NAMES}::test_a_resolver_without_dnssec_is_asked_for_the_proxy_alone",
    ),
    Mutant(
        "DANE is not insisted on behind a proxy",
        "aio/route.py",
        "    if account.policy.require_dane and not may_ask:\n",
        "    if False:\n",
        f"{NAMES}::test_dane_behind_a_proxy_wants_a_resolver_before_anything_is_asked",
    ),
    Mutant(
        "an account is kept on disk without its proxy",
        "store/document.py",
        "    if account.proxy is not None:\n",
        "    if False:\n",
        "tests/store/test_document.py::test_a_proxy_is_kept_and_its_password_is_not",
    ),
)
