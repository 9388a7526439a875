"""The last events of a deployment replayed through the version that serves it and through another one."""
