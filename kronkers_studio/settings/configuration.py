"""The user's settings: each declared once with type, default and help text.

Order of precedence: environment (``KRONKERS_…``), the settings file in the platform's config folder, the default.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, JsonConfigSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.pace import LOW_PRIORITY, READ_LIMIT, GivingWay
from kronkers_studio.settings.paths import default_workspace, settings_file
from kronkers_studio.settings.private import make_private_file, make_private_folder


class ImageRegistry(BaseModel):
    """How the image registry at ``host`` is reached. Its password is in the keyring, never here."""

    model_config = ConfigDict(frozen=True)

    host: str
    user: str = ""
    ca_file: Path | None = None


class Settings(BaseSettings):
    """Read with ``load_settings()``; changed with ``change_settings(name=value)``."""

    model_config = SettingsConfigDict(env_prefix="KRONKERS_", extra="ignore", validate_default=True)

    workspace: Path = Field(default_factory=default_workspace, description="The workspace that opens by default.")
    theme: Literal["system", "light", "dark"] = Field(
        default="system", description="Light or dark; “system” follows the operating system."
    )
    base_image: str = Field(
        default="docker.io/library/python:{python}-slim",
        description="Where the base layer of packages comes from: an image in a registry, an archive file "
        "(a path to .tar), or “engine:NAME” for an image on the server's own engine. {python} stands for the "
        "model's Python version.",
    )
    image_registries: tuple[ImageRegistry, ...] = Field(
        default=(),
        description="Image registries that want a login, or whose certificate comes from an authority of their own.",
    )
    package_platform: str = Field(
        default="linux/amd64",
        description="Operating system and processor that packages written to files are built for. A release is always "
        "built for its server's own.",
    )
    keep_releases: int = Field(
        default=3,
        ge=1,
        description="How many earlier releases of a model a server keeps for going back, besides the live one; older "
        "ones are removed after the next release.",
    )
    scrape_seconds: float = Field(
        default=2.0, ge=1.0, le=5.0, description="How often live metrics are read, in seconds."
    )
    author: str = Field(default="", description="Your name in histories; empty takes the system's user name.")
    offline: bool = Field(default=False, description="Use only what was downloaded before.")
    run_unprotected: bool = Field(
        default=False,
        description="Run models on this computer even where it cannot keep them from harming it. Only for models whose "
        "makers you trust.",
    )
    read_limit: float = Field(
        default=READ_LIMIT,
        ge=0.0,
        description="How many megabytes per second bringing in a folder may read at most, so that the disk, or the "
        "line to OneDrive, stays free for others; 0 sets no limit.",
    )
    low_priority: GivingWay = Field(
        default=LOW_PRIORITY,
        description="When bringing in folders gives way to other programs: always, only while a folder is watched in "
        "the background, or never.",
    )
    table_seconds: float = Field(
        default=60.0,
        gt=0.0,
        le=3600.0,
        description="How many seconds comparing or merging a table may take; looking at one may take a third of that.",
    )
    table_memory: float = Field(
        default=2.0,
        ge=0.5,
        le=1024.0,
        description="How many gigabytes of memory reading a table may take; a larger one is not read.",
    )
    first_run_done: bool = Field(
        default=False, description="Whether the first-run wizard has been finished or skipped."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            JsonConfigSettingsSource(settings_cls, json_file=_reachable(settings_file()), json_file_encoding="utf-8"),
        )


def _reachable(file: Path) -> Path | None:
    """The settings file, unless the account cannot even look into its folder: then it has no settings."""
    try:
        return file if file.is_absolute() and file.is_file() else None
    except OSError:
        return None


def load_settings() -> Settings:
    """The settings in force now. Raises ``InvalidInput`` when the file or a variable holds what is no setting."""
    try:
        return Settings()
    except ValidationError as problem:
        wrong = problem.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"])
        raise InvalidInput(
            f"The setting “{name}” cannot be used: {wrong['msg']}.",
            next_step=f"Correct {name} in {settings_file()}, or the variable KRONKERS_{name.upper()}.",
        ) from problem
    except (ValueError, OSError, AttributeError, TypeError) as problem:  # not JSON, not readable, no object
        raise InvalidInput(
            f"The settings in {settings_file()} cannot be read.", next_step="Correct the file, or delete it."
        ) from problem


def change_settings(**changes: Any) -> Settings:
    """Validate ``changes``, write them to the settings file atomically, and return the settings in force.

    Raises ``InvalidInput`` when the file holds no settings, or cannot be written.
    """
    load_settings()  # says what is wrong with the file
    file = settings_file()
    try:
        stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        checked = Settings(**{**stored, **changes})
        stored.update({name: checked.model_dump(mode="json")[name] for name in changes})
        if not file.is_absolute():
            raise FileNotFoundError(errno.ENOENT, "this account has no home folder")
        make_private_folder(file.parent)
        draft = file.with_name(f"{file.name}.{os.getpid()}.new")
        try:
            make_private_file(draft)
            draft.write_text(json.dumps(stored, indent=2), encoding="utf-8")
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as problem:
        raise InvalidInput(
            f"The settings cannot be kept in {file}: {problem.strerror or problem}.",
            next_step="Make its folder one that you may write to, or set KRONKERS_… variables instead.",
        ) from problem
    return load_settings()


def author_name(settings: Settings) -> str:
    """Who is named in histories."""
    from kronkers_studio.settings import author

    return author.author_name(settings.author)
