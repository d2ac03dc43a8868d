"""What all kernels share: compilation, types, draws by address, claims, sparse columns."""
