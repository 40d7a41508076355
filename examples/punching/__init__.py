"""The parts of `punch.py`: what is said, what is known, and what is done about it.

messages      every datagram's format
nat           what kind of NAT it is, from what was seen
candidates    where the other one may be reached
rendezvous    the server, of which only datagrams go in and come out
transport     datagrams by address, over a socket, a connection or a relay; questions and their answers
registration  what a peer and a server say to each other
session       what two peers say to each other
connection    the attempt at a TCP connection
peer          all of it in order
events        what is printed
"""
