"""`@registries`: the package registries that this user's own clients are set up to use, read from them at run time."""

from vibedom.registries.hosts import registry_hosts as registry_hosts
