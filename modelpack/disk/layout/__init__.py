"""The OCI image layout, as a directory and as a tar."""
