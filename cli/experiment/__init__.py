"""The commands for experiments: users in arms whose lists are made in different ways."""
