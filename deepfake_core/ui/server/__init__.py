"""What stands between the network and the page: connections, hosts, routes, bodies, and the queue."""
