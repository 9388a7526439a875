"""Embeds what items say."""
