#!/bin/sh
# Installs Debian's Chromium for the tests of pages, where we may; else says in one line what is left out and why.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null && exit 0
fi
command -v chromium >/dev/null || echo "left out: tests of pages in a browser (no chromium here, and it can't be installed without root and apt-get)"
