"""What `bench_proxy` runs: an origin, the proxies that are compared, and a client, each in its own process."""
