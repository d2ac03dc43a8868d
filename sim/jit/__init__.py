"""Code that all kernels share: compilation, types, addressed draws, claims, sparse columns."""
