"""What may be wrong with a chain, each by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from securemail import CertificateReason
from tests.tls.chains import LEAF, MIDDLE, ROOT, constrained
from tests.tls.memory import HOST
from tests.tls.named_chains import (
    ANY,
    CLIENT,
    EMAIL,
    PUBLIC_LEAF,
    RSA_MIDDLE,
    RSA_ROOT,
    STRANGE,
    Named,
    dns,
    leaf,
    limited,
    middle,
    middles,
    root,
    unknown,
)

OVER: Final = (-9.0, -3.01)  # days from now
TO_COME: Final = (3.01, 9.0)

_R = CertificateReason
BAD: Final[dict[str, Named]] = {
    # --- dates
    "an expired leaf": Named(leaf(days=OVER), _R.EXPIRED, f"{HOST} expired 3 days ago"),
    "an expired intermediate": Named(
        middle(days=OVER), _R.EXPIRED, "its issuer CN=middle expired 3 days ago", 1
    ),
    "an expired root": Named(
        root(days=OVER), _R.EXPIRED, "the issuer CN=root, 2 above it, expired 3 days ago", 2
    ),
    "a leaf that is not valid yet": Named(
        leaf(days=TO_COME), _R.NOT_YET_VALID, "is not valid yet: that begins in 3 days"
    ),
    "an intermediate that is not valid yet": Named(
        middle(days=TO_COME), _R.NOT_YET_VALID, "its issuer CN=middle is not valid yet", 1
    ),
    "a root that is not valid yet": Named(root(days=TO_COME), _R.NOT_YET_VALID, "CN=root", 2),
    # --- who vouches
    "a leaf signed by itself": Named(
        (LEAF,), _R.SELF_SIGNED, "the server signed it itself", trusts=(LEAF, ROOT)
    ),
    "an unknown root": Named(
        (LEAF, MIDDLE, replace(ROOT, subject="strange")),
        _R.UNKNOWN_ISSUER,
        "leads to CN=strange, which the account does not trust",
        1,
        trusts=(LEAF, ROOT),
    ),
    "a root of the same name with another key": Named(
        (LEAF, MIDDLE, ROOT), _R.UNKNOWN_ISSUER, "leads to CN=root", 1, trusts=(LEAF, ROOT)
    ),
    "an unknown root without an intermediate": Named(
        (LEAF, replace(ROOT, subject="strange")),
        _R.UNKNOWN_ISSUER,
        "was issued by CN=strange, and nothing that the account trusts",
        trusts=(LEAF, ROOT),
    ),
    "a leaf of a public authority, alone": Named(
        (PUBLIC_LEAF, MIDDLE, ROOT),
        _R.INCOMPLETE_CHAIN,
        "the server does not send the intermediate certificate of its issuer CN=middle",
        sent=0,
    ),
    "a leaf of a private authority, alone": Named(
        (LEAF, MIDDLE, ROOT), _R.UNKNOWN_ISSUER, "was issued by CN=middle, and nothing", sent=0
    ),
    "the second intermediate missing": Named(
        middles(2), _R.UNKNOWN_ISSUER, "leads to CN=middle 1", 1, sent=1
    ),
    # --- who may issue
    "an intermediate that is no authority": Named(
        middle(is_ca=False, usages=""), _R.NO_AUTHORITY, "CN=middle is no certificate authority", 1
    ),
    "an intermediate that does not say what it is": Named(
        middle(is_ca=None, usages=""), _R.NO_AUTHORITY, "no certificate authority", 1
    ),
    "a leaf that issues another": Named(
        (LEAF, replace(LEAF, subject="one"), MIDDLE, ROOT),
        _R.NO_AUTHORITY,
        "issuer CN=one is no",
        1,
    ),
    "a root that is no authority": Named(root(is_ca=False), _R.NO_AUTHORITY, "CN=root", 2),
    "an intermediate that may sign lists only": Named(
        middle(usages="crl_sign"), _R.KEY_USAGE, "has a key that may not sign certificates", 1
    ),
    "a root that may sign lists only": Named(
        root(usages="crl_sign"), _R.KEY_USAGE, "has a key that may not sign certificates", 2
    ),
    "one issuer more than the root allows": Named(
        middles(2, path_length=1), _R.PATH_LENGTH, "more issuers below it than are allowed", 3
    ),
    "one issuer more than an intermediate allows": Named(
        (LEAF, MIDDLE, replace(MIDDLE, subject="upper", path_length=0), ROOT),
        _R.PATH_LENGTH,
        "the issuer CN=upper, 2 above it, has more issuers below it",
        2,
    ),
    # --- names
    "a name in the subject only": Named(
        leaf(subject=HOST, names=None), _R.NAME_MISMATCH, "is for no name at all"
    ),
    "another host's name": Named(
        leaf(names=dns("mail.example.com")), _R.NAME_MISMATCH, "is for mail.example.com"
    ),
    "a wildcard too high": Named(leaf(names=dns("*.org")), _R.NAME_MISMATCH, r"is for \*\.org"),
    "a wildcard as a part of a label": Named(leaf(names=dns("m*.example.org")), _R.NAME_MISMATCH),
    "a name that the intermediate may not certify": Named(
        limited(permitted=dns("example.com")), _R.NAME_CONSTRAINTS, f"may not speak for {HOST}"
    ),
    "a name that the intermediate is kept from": Named(
        limited(excluded=dns("example.org")), _R.NAME_CONSTRAINTS, f"may not speak for {HOST}"
    ),
    "a name that the root is kept from": Named(
        (LEAF, MIDDLE, constrained(ROOT, excluded=dns("example.org"))), _R.NAME_CONSTRAINTS
    ),
    "a wildcard over a name that the intermediate is kept from": Named(
        (replace(LEAF, names=dns("*.example.org")), *limited(excluded=dns(HOST))[1:]),
        _R.NAME_CONSTRAINTS,
        f"was issued by an authority that may not speak for {HOST}",
    ),
    "one name of two that the intermediate may certify": Named(
        (replace(LEAF, names=dns(HOST, "a.example")), *limited(permitted=dns("example.org"))[1:]),
        _R.NAME_CONSTRAINTS,
        "has a name that an issuer above it may not certify",
    ),
    # --- uses
    "for clients": Named(leaf(purposes=(CLIENT,)), _R.PURPOSE, f"{HOST} is not for servers"),
    "for signing mail": Named(leaf(purposes=(EMAIL,)), _R.PURPOSE, "is not for servers"),
    "for any purpose, in so many words": Named(leaf(purposes=(ANY,)), _R.PURPOSE),
    "an intermediate for signing mail": Named(
        middle(purposes=(EMAIL,)), _R.PURPOSE, "CN=middle may not issue certificates for servers", 1
    ),
    "a key for signing certificates only": Named(
        leaf(usages="key_cert_sign"), _R.KEY_USAGE, "has a key that may not be used for TLS"
    ),
    "a key for signing lists only": Named(leaf(usages="crl_sign"), _R.KEY_USAGE),
    # --- strength
    "signed with SHA-1": Named(
        (replace(LEAF, signed="sha1"), RSA_MIDDLE, ROOT), _R.WEAK_SIGNATURE, "is signed with SHA1"
    ),
    "signed with MD5": Named(
        (replace(LEAF, signed="md5"), RSA_MIDDLE, ROOT), _R.WEAK_SIGNATURE, "is signed with MD5"
    ),
    "an intermediate signed with SHA-1": Named(
        (LEAF, replace(MIDDLE, signed="sha1"), RSA_ROOT),
        _R.WEAK_SIGNATURE,
        "CN=middle is signed with SHA1, which can be forged",
        1,
    ),
    "an RSA key of 1,024 bits": Named(
        leaf(key="rsa1024"), _R.WEAK_KEY, r"a key that is too weak \(RSA key of 1024 bits\)"
    ),
    "an intermediate with an RSA key of 1,024 bits": Named(
        middle(key="rsa1024"), _R.WEAK_KEY, "CN=middle has a key that is too weak", 1
    ),
    "a root with an RSA key of 1,024 bits": Named(root(key="rsa1024"), _R.WEAK_KEY, "CN=root", 2),
    "a key on a weak curve": Named(
        leaf(key="secp192r1"), _R.WEAK_KEY, "secp192r1", is_servable=False
    ),
    "an intermediate with a key on a weak curve": Named(
        middle(key="secp192r1"), _R.WEAK_KEY, "secp192r1", 1
    ),
    # --- forged or broken
    "a leaf with a forged signature": Named(
        leaf(signed="broken"), _R.BAD_SIGNATURE, "does not bear its issuer's signature"
    ),
    "an intermediate with a forged signature": Named(
        middle(signed="broken"), _R.BAD_SIGNATURE, "CN=middle does not bear", 1
    ),
    "an unknown critical extension": Named(
        leaf(more=((STRANGE, True),)), _R.UNKNOWN_EXTENSION, "critical extension that nobody"
    ),
    "an intermediate with an unknown critical extension": Named(
        middle(more=((STRANGE, True),)), _R.UNKNOWN_EXTENSION, "CN=middle has a critical", 1
    ),
    "a start that is no date": Named(
        leaf(patch=(b"\x17\x0d", b"\x18\x0d")), _R.MALFORMED, depth=None
    ),
    "a version that there is none": Named(
        leaf(patch=(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x06")), _R.MALFORMED, depth=None
    ),
    "names twice": Named(
        leaf(
            more=((unknown("2.5.29.99", b"\x30\0"), False),),
            patch=(b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x11"),
        ),
        _R.MALFORMED,
        is_servable=False,
    ),
    "basic constraints that are none": Named(
        leaf(is_ca=None, more=((unknown("2.5.29.19"), True),)), _R.MALFORMED, is_servable=False
    ),
    "key usage that is none": Named(
        leaf(usages="", more=((unknown("2.5.29.15"), True),)), _R.MALFORMED, is_servable=False
    ),
    "purposes that are none": Named(
        leaf(purposes=(), more=((unknown("2.5.29.37"), True),)), _R.MALFORMED, is_servable=False
    ),
    "more issuers than anybody follows": Named(
        middles(101), _R.PATH_LENGTH, "more issuers below it than are allowed", None
    ),
    "an intermediate with a negative path length": Named(
        middle(path_length=3, patch=(b"\xff\x02\x01\x03", b"\xff\x02\x01\xff")), _R.UNKNOWN_ISSUER
    ),
    "an intermediate with name constraints that are none": Named(
        middle(more=((unknown("2.5.29.30"), True),)), _R.UNKNOWN_ISSUER
    ),
    "two algorithms for one signature": Named(
        leaf(patch=(b"\x86\x48\xce\x3d\x04\x03\x02", b"\x86\x48\xce\x3d\x04\x03\x03")),
        _R.BAD_SIGNATURE,
    ),
}
