"""The words in which ranking explains a list: those of the wire, which apps read (`sightline_client.lists`)."""

from sightline_client.lists import Reason, ReasonCode, RecommendedItem, Source

__all__ = ["Reason", "ReasonCode", "RecommendedItem", "Source"]
