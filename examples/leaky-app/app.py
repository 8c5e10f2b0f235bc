"""Greets, and counts how often."""

import os

GREETINGS = ["Hello", "Good day"]


def greet(name):
    return GREETINGS[0] + ", " + name + "!"


def api_key():
    return os.environ.get("DEMO_API_KEY", "")


if __name__ == "__main__":
    print(greet("world"))
