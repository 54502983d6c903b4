"""Image registries, by the OCI distribution protocol over HTTPS.

image_references    names of images, as people write them
registry_http       requests: logging in, redirects, limits on what a registry answers
registry_login      what a registry asks for, and whom a login may be told
registry_problems   what goes wrong, in plain words
base_registry       base images from a registry
blob_upload         one blob on its way into a registry
registry_push       a package into a registry: only what it lacks
registry_images     a package as a registry has it
"""
