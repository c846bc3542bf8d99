"""The system on a cluster: kustomize base and overlays, and the command that makes its secrets."""
