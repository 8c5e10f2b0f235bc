"""mitmproxy inside vibedom's own task group: listeners, layers, certificates, the way upstream."""

from vibedom.proxy.no_quic import leave_out

leave_out()  # before any module below here imports mitmproxy's layers
