"""From addresses to sockets and back: endpoints, listeners, interfaces, scopes and filters."""
