"""A small peer-to-peer node, on addresses."""
