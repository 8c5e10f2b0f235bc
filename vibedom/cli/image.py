"""`vibedom image`: the image of the sandbox in the Docker Engine."""

import os
from pathlib import Path

import asyncclick as click

from vibedom.cli import render

_DEFAULT_BASE = "alpine:3.23"


@click.group()
async def command() -> None:
    """Build the sandbox image, or list the images in the engine that vibedom made."""


@command.command("build")
@click.option(
    "--from",
    "source",
    type=click.Choice(["alpine", "debian"]),
    default="alpine",
    show_default=True,
    help="A Dockerfile on top of Alpine, or this machine's own Debian packages (needs no image registry).",
)
@click.option(
    "--base", default=_DEFAULT_BASE, show_default=True, metavar="IMAGE", help="What the Dockerfile starts from."
)
@click.option("--force", is_flag=True, help="Build although the image is current.")
async def build(source: str, base: str, force: bool) -> None:
    """Build the sandbox image where there is none, or one of another version.

    \b
    vibedom image build                  on top of Alpine
    vibedom image build --from debian    where no image registry can be reached; needs mmdebstrap
    """
    from vibedom.sandbox import docker_image, image
    from vibedom.sandbox.docker_engine import client

    async with client(os.environ, Path.home()) as docker:
        if not force and await docker_image.is_current(docker, source, base):
            render.out(f"{image.NAME} is current")
            return
        render.err(f"building {image.NAME} from {source}: this takes half a minute or more", "dim")
        if source == "debian":
            await docker_image.build_debian(docker)
        else:
            await docker_image.build_alpine(docker, base=base)
        render.out(f"{image.NAME} is built")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
async def list_images(as_json: bool) -> None:
    """List the sandbox images in the engine, and whether each is current."""
    from vibedom.sandbox import docker_image
    from vibedom.sandbox.docker_engine import client

    async with client(os.environ, Path.home()) as docker:
        found = await docker_image.made_here(docker)
    if as_json:
        render.out_json(found)
        return
    rows = [
        [one.name, one.source, f"{one.bytes_ / 1e6:.0f} MB", "current" if one.is_current else "outdated"]
        for one in found
    ]
    render.out(
        render.table(rows, ["IMAGE", "FROM", "SIZE", "STATE"]) if rows else "no sandbox image; vibedom image build"
    )
