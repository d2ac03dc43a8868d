"""The journal's file format (write-ahead log of a world): rows, reading, recovery, audit."""
