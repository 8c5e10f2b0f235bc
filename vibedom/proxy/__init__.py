"""mitmproxy inside vibedom's own task group: listeners, layers, certificates, the way upstream."""
