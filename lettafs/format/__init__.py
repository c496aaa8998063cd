"""The files of an agent directory as pure codecs: bytes in, values out, and back. No I/O."""
