"""The rules behind `lettafs.llm.offline`; nothing here is meant for other modules."""
