"""What a model file is, its locked dependencies, and the OCI image composed from it without Docker.

A package's layers, from the bottom: the base (an operating system with Python), the dependencies (locked with hashes),
the server (`kronkers_studio.serving`), the model. Without a base it runs on this computer, as a process.

model_files          what a model file is, by its bytes
dependencies         which libraries a model's service runs on
images               layers, documents, signatures and archives of images
registries           images in registries
composition          a model version to an image
runtime              a package's own layers unpacked, to run here
layer_cache          the large public parts of packages, kept between builds
cache_archive        a cache that travels, in one file
cache_facts          what of such a file is believed
cache_signature      who signed such a file
recorded_facts       what a workspace says of a model, looked at before it is used
environment_hints    what the files beside a model say of its Python and libraries
byte_reader          content of unknown files, counted and bounded
archive_files        archives written whole, or not at all
tar_stream           tar archives that depend on nothing but their content
digests              the SHA-256 of blobs as their names
http_watch           HTTPS that does not wait for ever
folder_removal       folders removed though they are read-only
platforms            platforms by the names that images use

Imports point down (contracts in pyproject.toml).
"""

from kronkers_studio.packaging.archive_files import require_place
from kronkers_studio.packaging.composition import compose_package
from kronkers_studio.packaging.dependencies.dependency_evidence import find_evidence
from kronkers_studio.packaging.dependencies.locking import DependencyLock, lock_dependencies
from kronkers_studio.packaging.images.archives import docker_archive, write_oci_archive
from kronkers_studio.packaging.images.base_archives import base_from_archive, base_from_engine
from kronkers_studio.packaging.images.image import BaseImage, ComposedImage
from kronkers_studio.packaging.images.image_archives import image_from_archive
from kronkers_studio.packaging.images.language_bases import keep_language_base, language_base, language_bases
from kronkers_studio.packaging.images.provenance import code_name
from kronkers_studio.packaging.images.signed_images import holds_files, verified
from kronkers_studio.packaging.layer_cache import LayerCache, users_layer_cache
from kronkers_studio.packaging.model_files.inspection import inspect_model, require_safe
from kronkers_studio.packaging.model_files.mlflow_folders.mlmodel import (
    LARGEST_MLMODEL,
    MLMODEL,
    named_files,
    read_mlmodel,
)
from kronkers_studio.packaging.model_files.model_formats import may_be_model_in
from kronkers_studio.packaging.model_files.own_code import LARGEST_CODE_FILE, find_own_code, own_names
from kronkers_studio.packaging.model_files.pickles.allowances import require_allowable
from kronkers_studio.packaging.platforms import this_platform
from kronkers_studio.packaging.registries.base_registry import (
    base_from_registry,
    kept_from_registries,
    kept_from_registry,
    require_access,
)
from kronkers_studio.packaging.registries.image_references import (
    BaseKind,
    ImageReference,
    parse_base,
    parse_reference,
    registry_host,
)
from kronkers_studio.packaging.registries.registry_push import push_image, push_target
from kronkers_studio.packaging.runtime import RuntimeFolder, runnable_here, unpack_runtime

__all__ = [
    "LARGEST_CODE_FILE",
    "LARGEST_MLMODEL",
    "MLMODEL",
    "BaseImage",
    "BaseKind",
    "ComposedImage",
    "DependencyLock",
    "ImageReference",
    "LayerCache",
    "RuntimeFolder",
    "base_from_archive",
    "base_from_engine",
    "base_from_registry",
    "code_name",
    "compose_package",
    "docker_archive",
    "find_evidence",
    "find_own_code",
    "holds_files",
    "image_from_archive",
    "inspect_model",
    "keep_language_base",
    "kept_from_registries",
    "kept_from_registry",
    "language_base",
    "language_bases",
    "lock_dependencies",
    "may_be_model_in",
    "named_files",
    "own_names",
    "parse_base",
    "parse_reference",
    "push_image",
    "push_target",
    "read_mlmodel",
    "registry_host",
    "require_access",
    "require_allowable",
    "require_place",
    "require_safe",
    "runnable_here",
    "this_platform",
    "unpack_runtime",
    "users_layer_cache",
    "verified",
    "write_oci_archive",
]
