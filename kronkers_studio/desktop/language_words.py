"""What models of R and Julia stand on, in words: a base image with their language, made once on a server."""

from __future__ import annotations

import shlex

from kronkers_studio.desktop.localization import tr
from kronkers_studio.domain.models import Framework, ModelFacts


def base_words(facts: ModelFacts) -> str:
    """What the base image of such a model must have."""
    language = facts.framework.label
    needed = ", ".join(package.replace("==", " ") for package in facts.packages)
    if needed:
        words = tr("Its service stands on a base image with {language} and the package {packages}.")
        return words.format(language=language, packages=needed)
    return tr("Its service stands on a base image with {language}.").format(language=language)


def container_words(framework: Framework) -> str:
    """Why such a model is not put live on this computer."""
    return tr("Models of {language} run in a container on a server, not on this computer.").format(
        language=framework.label
    )


def no_base_words(framework: Framework, platform: str) -> str:
    """That there is no base image for ``platform``, which is in people's words."""
    words = tr(
        "There is no base image with {language} for {platform} here yet. A server with Docker builds it once, in some "
        "minutes; all models of {language} stand on it from then on."
    )
    return words.format(language=framework.label, platform=platform)


def build_command(framework: Framework, server: str, proxy: str = "", dockerfile: str = "") -> str:
    """What is typed to build it; without a ``server`` its place is kept for one."""
    said = [("--on", server or tr("SERVER")), ("--proxy", proxy), ("--dockerfile", dockerfile)]
    options = " ".join(f"{option} {shlex.quote(value)}" for option, value in said if value)
    return f"kronkers base build {framework.value} {options}"
