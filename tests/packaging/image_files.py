"""Small base images in the formats that tools write, made by hand so that nothing has to be downloaded."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import Any

DOCKER = "application/vnd.docker.distribution.manifest"


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_of(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return stream.getvalue()


@dataclass
class SmallImage:
    """Two layers and a configuration."""

    system: str = "linux"
    processor: str = "amd64"
    layers: list[bytes] = field(
        default_factory=lambda: [tar_of({"bin/python3": b"#!"}), tar_of({"etc/os-release": b"ID=small\n" * 2000})]
    )

    @property
    def config(self) -> bytes:
        content: dict[str, Any] = {
            "architecture": self.processor,
            "os": self.system,
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin", "PYTHONUNBUFFERED=0"]},
            "rootfs": {"type": "layers", "diff_ids": [sha(layer) for layer in self.layers]},
            "history": [{"created_by": "one"}, {"created_by": "env", "empty_layer": True}, {"created_by": "two"}],
        }
        return json.dumps(content).encode()

    @property
    def packed(self) -> list[bytes]:
        return [gzip.compress(layer, mtime=0) for layer in self.layers]

    def manifest(self, *, docker: bool = False) -> bytes:
        kinds = (
            (f"{DOCKER}.v2+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
            if docker
            else ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
        )
        content = {
            "schemaVersion": 2,
            "mediaType": kinds[0],
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha(self.config),
                "size": len(self.config),
            },
            "layers": [{"mediaType": kinds[1], "digest": sha(data), "size": len(data)} for data in self.packed],
        }
        return json.dumps(content).encode()

    def old_docker_save(self) -> bytes:
        """Uncompressed layers in folders, one of them a link, as engines before 25 write it."""
        files = {f"{number}/layer.tar": layer for number, layer in enumerate(self.layers)}
        files |= {f"{number}/VERSION": b"1.0" for number in range(2)}
        files["abc.json"] = self.config
        load = [{"Config": "abc.json", "RepoTags": None, "Layers": ["0/layer.tar", "linked/layer.tar"]}]
        files["manifest.json"] = json.dumps(load).encode()
        return tar_of(files, {"linked/layer.tar": "../1/layer.tar"})

    def blobs(self, *, packed: bool = True) -> dict[str, bytes]:
        contents = [self.config, self.manifest(), *(self.packed if packed else self.layers)]
        return {f"blobs/sha256/{sha(data)[7:]}": data for data in contents}


def entry(image: SmallImage) -> dict[str, Any]:
    manifest = image.manifest()
    return {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": sha(manifest),
        "size": len(manifest),
        "platform": {"os": image.system, "architecture": image.processor},
    }


def index_of(*images: SmallImage) -> bytes:
    content = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry(image) for image in images],
    }
    return json.dumps(content).encode()


def oci_layout(*images: SmallImage) -> bytes:
    """An OCI layout whose index points at an index, as build tools for several platforms write it."""
    inner = index_of(*images)
    outer = {"schemaVersion": 2, "manifests": [{"digest": sha(inner), "size": len(inner)}]}
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(outer).encode()}
    files[f"blobs/sha256/{sha(inner)[7:]}"] = inner
    for image in images:
        files |= image.blobs()
    return tar_of(files)
