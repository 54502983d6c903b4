"""What goes wrong with a registry, in plain words: what it refuses, what cannot be reached, and what is not trusted."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import requests

from kronkers_studio.domain.errors import BaseImageUnavailable, RegistryLoginRefused, RegistryUntrusted
from kronkers_studio.packaging.registries.image_references import ImageReference

_EXPIRED = (9, 10)  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED
_ANOTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH


class Untrue(BaseImageUnavailable):
    """What the registry sends contradicts what it says: nothing of it is kept."""


class LineBroken(Exception):
    """A request was sent, in part perhaps, and no answer came; ``problem`` says why in plain words."""

    def __init__(self, problem: BaseImageUnavailable) -> None:
        super().__init__(problem.message)
        self.problem = problem


class RegistryProblems:
    """The problems of the registry of ``wanted``, which is asked as ``user``, or as nobody in particular."""

    def __init__(self, wanted: ImageReference, user: str | None) -> None:
        self._wanted = wanted
        self._user = user

    def refused(self, status: int, password_sent: bool) -> BaseImageUnavailable:
        """Why a request was answered with ``status``; ``password_sent`` when the login itself went with it."""
        wanted = self._wanted
        if status == requests.codes.unauthorized and password_sent:
            return self.wrong_login()
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            who = f"“{self._user}”" if self._user is not None else "anybody"
            return self.about_login(
                f"{wanted.host} does not let {who} read {wanted.repository}, or there is no such image.",
                "Check the image's name, or log in to the registry as somebody who may read it.",
            )
        if status == requests.codes.not_found:
            return BaseImageUnavailable(
                f"{wanted.host} has no image {wanted.repository}:{wanted.tag}.", next_step="Check the image's name."
            )
        if status == requests.codes.too_many_requests:
            return self.about_login(
                f"{wanted.host} has had too many requests from this network.",
                "Log in to the registry, try again in an hour, or use an archive file as the base image.",
            )
        return BaseImageUnavailable(
            f"{wanted.host} answered {status}.", next_step="Try again later, or use an archive file as the base image."
        )

    def wrong_login(self) -> RegistryLoginRefused:
        """The registry does not take the login."""
        return self.about_login(
            f"{self._wanted.host} does not accept the password of “{self._user or ''}”.",
            "Log in again: the password may have been changed, or the token may have expired.",
        )

    def about_login(self, message: str, next_step: str) -> RegistryLoginRefused:
        """A problem that another login may mend; it says how one logs in."""
        problem = RegistryLoginRefused(message, next_step=next_step)
        problem.image_registry = self._wanted.host
        problem.command = f"`kronkers image-registry login {self._wanted.host} --user NAME` logs in."
        return problem

    def _untrusted(self, message: str, next_step: str, details: str) -> RegistryUntrusted:
        problem = RegistryUntrusted(message, next_step=next_step, details=details[:500])
        problem.image_registry = self._wanted.host
        problem.command = f"`kronkers image-registry trust {self._wanted.host} --ca-file FILE` names it."
        return problem

    def _not_proven(self, error: requests.exceptions.SSLError) -> BaseImageUnavailable:
        """Why no encrypted connection came about."""
        host = urlsplit(str(error.request.url)).netloc if error.request is not None else self._wanted.host
        problem = certificate_problem(error)
        if problem is None:
            return BaseImageUnavailable(
                f"No encrypted connection to {host} comes about.",
                next_step="Check the address and the port: a registry is reached over HTTPS.",
                details=str(error)[:500],
            )
        if problem.verify_code in _EXPIRED:
            return BaseImageUnavailable(
                f"The certificate of {host} has expired, or is not valid yet.",
                next_step="Ask whoever runs the registry to renew it, and look whether this computer's clock is right.",
                details=str(error)[:500],
            )
        if problem.verify_code in _ANOTHER_NAME:
            return BaseImageUnavailable(
                f"The certificate of {host} is for another address.",
                next_step="Write the registry's address in the image's name as its certificate has it.",
                details=str(error)[:500],
            )
        return self._untrusted(
            f"The certificate of {host} is not trusted by this computer.",
            "If it is your company's registry, choose the file with its certificate authority (CA file).",
            str(error),
        )

    def unreachable(self, error: Exception, silent: bool) -> BaseImageUnavailable:
        """Why no answer came, or not the whole of it; ``silent`` when next to nothing arrived for a minute."""
        host = self._wanted.host
        if isinstance(error, requests.exceptions.SSLError):
            return self._not_proven(error)
        if silent:
            return BaseImageUnavailable(
                f"{host} sends next to nothing.",
                next_step="Try again later, or use an archive file (`docker save`) as the base image.",
                details=str(error)[:500],
            )
        return BaseImageUnavailable(
            f"{host} cannot be reached.",
            next_step="Check the network, or use an archive file (`docker save`) as the base image.",
            details=str(error)[:500],
        )

    def strange_address(self) -> BaseImageUnavailable:
        """The registry named an address that is none."""
        return BaseImageUnavailable(
            f"{self._wanted.host} names an address that is none.", next_step="Choose another registry."
        )

    def trusted(self, ca_file: Path | None) -> ssl.SSLContext | None:
        """What trusts the authorities of ``ca_file`` too; None for the usual ones alone."""
        if ca_file is None:
            return None
        try:
            if ca_file.exists() and not (ca_file.is_file() or ca_file.is_dir()):  # opening a pipe waits for a writer
                raise OSError("it is not a file")
            return ssl.create_default_context(cafile=str(ca_file))
        except ssl.SSLError as error:
            found, details = "holds no certificate in PEM form", str(error)
        except OSError as error:
            found, details = f"cannot be read: {error.strerror or error}", ""
        raise self._untrusted(
            f"The CA file of {self._wanted.host}, {ca_file}, {found}.",
            "Choose the file with its certificate authority; it begins with -----BEGIN CERTIFICATE-----.",
            details,
        )


def certificate_problem(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """What was wrong with a certificate, out of what wraps it; None when it was something else."""
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, ssl.SSLCertVerificationError):
            return found
        if isinstance(found, BaseException):
            waiting += [*found.args, getattr(found, "reason", None)]
    return None
