"""A release signed as Sigstore does it, by authorities that live for a test: one for identities, one for times."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

WORKFLOW = "https://github.com/acme/muster/.github/workflows/release.yml@refs/tags/v1.2.3"
ISSUER = "https://token.actions.githubusercontent.com"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
_ISSUER_OF_IDENTITY = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_STATEMENT = "application/vnd.in-toto+json"
_TIMES = """\
[tsa]
default_tsa = times
[times]
serial = ./serial
signer_cert = times.pem
certs = times-root.pem
signer_key = times.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""
TOOLS = all(map(shutil.which, ("cosign", "openssl", "sha256sum")))
"""Whether what verifies is there."""


class Authority:
    """Signs certificates."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._signed(self.name, self.key, [], authority=True)

    def certify(
        self, key: ec.EllipticCurvePrivateKey, *extensions: tuple[x509.ExtensionType, bool]
    ) -> x509.Certificate:
        """A certificate of this key. ``extensions``: each, and whether it is critical."""
        return self._signed(_name("leaf"), key, extensions, authority=False)

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: Iterable[tuple[x509.ExtensionType, bool]],
        *,
        authority: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        usages = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
        )
        usage = x509.KeyUsage(
            **usages,
            digital_signature=not authority,
            key_cert_sign=authority,
            crl_sign=authority,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())


class Sigstore:
    """What signs. ``folder``: where its files are, among them ``root``, which names its authorities."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.identities, times = Authority("identities"), Authority("times")
        key = ec.generate_private_key(ec.SECP256R1())
        stamping = times.certify(key, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True))
        secret = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "times.key").write_bytes(key.private_bytes(*secret))
        for name, certificate in (("times", stamping), ("times-root", times.certificate)):
            (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "times.cnf").write_text(_TIMES)
        (folder / "serial").write_text("01\n")
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [_trusted(self.identities.certificate)],
            "timestampAuthorities": [_trusted(stamping, times.certificate)],
        }
        self.root = folder / "root.json"
        self.root.write_text(json.dumps(root))

    def sign(self, content: bytes, *, by: str = WORKFLOW, issuer: str = ISSUER) -> str:
        """The bundle of a file's signature."""
        key, certificate = self._identity(by, issuer)
        signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
        digest = {"algorithm": "SHA2_256", "digest": _text(hashlib.sha256(content).digest())}
        message = {"messageDigest": digest, "signature": _text(signature)}
        return self._bundle(certificate, signature, messageSignature=message)

    def attest(self, files: Iterable[Path], kind: str, *, by: str = WORKFLOW, issuer: str = ISSUER) -> str:
        """The bundle of a statement about files. ``kind``: the type of its predicate."""
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": kind,
            "subject": [
                {"name": path.name, "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
                for path in files
            ],
            "predicate": {"buildDefinition": {"resolvedDependencies": [{"digest": {"gitCommit": COMMIT}}]}},
        }
        payload = json.dumps(statement).encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(_STATEMENT), _STATEMENT.encode(), len(payload), payload)
        key, certificate = self._identity(by, issuer)
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        envelope = {"payload": _text(payload), "payloadType": _STATEMENT, "signatures": [{"sig": _text(signature)}]}
        return self._bundle(certificate, signature, dsseEnvelope=envelope)

    def _identity(self, by: str, issuer: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        text = b"\x0c" + bytes([len(issuer)]) + issuer.encode()  # UTF8String
        certificate = self.identities.certify(
            key,
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(by)]), True),
            (x509.UnrecognizedExtension(_ISSUER_OF_IDENTITY, text), False),
        )
        return key, certificate

    def _bundle(self, certificate: x509.Certificate, signature: bytes, **content: Any) -> str:
        material = {
            "certificate": {"rawBytes": _raw(certificate)},
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": self._stamped(signature)}]},
        }
        kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
        return json.dumps({"mediaType": kind, "verificationMaterial": material, **content})

    def _stamped(self, signature: bytes) -> str:
        (self.folder / "signature").write_bytes(signature)
        for command in (
            "openssl ts -query -data signature -sha256 -cert -out asked",
            "openssl ts -reply -config times.cnf -section times -queryfile asked -out stamped",
        ):
            subprocess.run(command.split(), cwd=self.folder, check=True, capture_output=True)
        return _text((self.folder / "stamped").read_bytes())


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _trusted(*chain: x509.Certificate) -> dict[str, Any]:
    start = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"certChain": {"certificates": [{"rawBytes": _raw(one)} for one in chain]}, "validFor": {"start": start}}


def _raw(certificate: x509.Certificate) -> str:
    return _text(certificate.public_bytes(serialization.Encoding.DER))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
