"""Images: their layers, their documents, what is said of them, and the archives that they travel in.

image                images as data
image_documents      the JSON of images that come from elsewhere
base_images          what all sources of base images share
base_archives        base images out of archives and engines
language_bases       the base images of services with R or Julia models
layers               the dependency and server layers
bytecode             compiling a layer's Python files
components           what software a layer holds
bill_of_materials    what software an image is made of, as CycloneDX
provenance           where an image comes from
signatures           Ed25519 over an image's digest
referrers            the documents that refer to an image
verification         signing an image, and the proof before anything of it leaves
signed_images        images that were packaged elsewhere
archives             packages as archive files and streams
image_archives       reading a package back from its archive
unpacked_layers      public layers unpacked on this computer
"""
