"""mitmproxy's hooks -> events. The only part of the pipeline that imports mitmproxy."""
