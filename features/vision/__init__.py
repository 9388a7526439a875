"""Pictures: decoding and colours."""
