"""Certificates of an authority of our own, made by the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
EXTENSIONS = "subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n"
HERE = "IP:127.0.0.1,DNS:localhost"


class Authority:
    """Whoever signs certificates.

    :param folder: an empty one
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.certificate = folder / "ca.pem"
        _openssl(folder, "req", "-x509", *KEY, "-subj", "/CN=authority", "-keyout", "key.pem", "-out", "ca.pem")

    def issue(self, folder: Path, *, names: str = HERE, days: int = 2) -> Path:
        """Make a folder with a certificate, its key, and the authority's, named as Docker wants them.

        :param days: how long it holds; negative for one that has expired
        """
        folder.mkdir()
        (folder / "ca.pem").write_bytes(self.certificate.read_bytes())
        (folder / "extensions").write_text(EXTENSIONS.format(names=names))
        _openssl(folder, "req", *KEY, "-subj", "/CN=one", "-keyout", "key.pem", "-out", "request.pem")
        signer = ("-CA", str(self.certificate), "-CAkey", str(self._folder / "key.pem"), "-CAcreateserial")
        what = ("-in", "request.pem", "-extfile", "extensions", "-days", str(days), "-out", "cert.pem")
        _openssl(folder, "x509", "-req", *signer, *what)
        return folder


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
