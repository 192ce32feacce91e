"""The vocabulary: digests, descriptors, manifests, references, and stores."""
