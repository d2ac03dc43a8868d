"""The saves folder: listed, renamed, copied, shrunk."""
