"""A small peer-to-peer node: server, client and neighbours on multiaddrs.

What it needs comes with the extra `examples`. A node, with all that it keeps in a folder:

    python -m examples.node run --data alice --listen /ip4/127.0.0.1/tcp/4001

It says at which addresses it listens, which end in its peer ID: that is the key in its folder, which it proves to have.
Another one, in another terminal, that knows the first one's address, and soon all others that there are;
a port of 0 is any that is free:

    python -m examples.node run --data bob --listen /ip4/127.0.0.1/tcp/0 --seed /ip4/127.0.0.1/tcp/4001

Nodes pass items on until all have the same. A node is given one, and asked for it and for what it does,
at a Unix socket in its folder:

    python -m examples.node put /unix/alice%2Fnode.sock "hello"
    python -m examples.node get /unix/bob%2Fnode.sock HASH
    python -m examples.node status /unix/bob%2Fnode.sock

A node accepts connections at addresses of TCP and Unix sockets, and finds others by datagrams at those of UDP:
if none is given, beside its first one of TCP in each family, at the same port. It runs until Ctrl-C.
With --json each line is an event with these fields:

    listening  address          the node hears there; at 0.0.0.0 and :: an event for each interface
    status     address          it is asked what it does there
    peer       address          a peer is connected, who has proven to be that of the address
    gone       address, reason  it is not any more
    item       hash, size       an item has come: the SHA-256 hash of its bytes, and how many they are
    refused    address, reason  a connection, of this node's or somebody else's, has not come about
    failed     reason           the node has ended so
"""
