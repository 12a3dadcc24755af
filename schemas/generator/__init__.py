"""Reads Avro schemas, guards their evolution, writes C tables. Standard library only."""
