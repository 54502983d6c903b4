"""What a model file is, its locked dependencies, and the OCI image composed from it without Docker."""
