"""The server around the page: connections, hosts, routes, request bodies, sessions and the queue."""
