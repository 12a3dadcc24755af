"""The objects system tests are made of: real servers in temporary folders, stopped by pid."""
