"""Models as OCI artifacts: push, pull and inspect, in any registry."""
