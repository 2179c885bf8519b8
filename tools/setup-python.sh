#!/bin/sh
# Fills .venv from the lock files, every file checked against its hash; called by `make setup`.
#
# pip brings uv, which is many times as fast for the rest. uv does not read pip's settings: the index and the
# certificates that pip is told to use are handed on.
set -eu
cd "$(dirname "$0")/.."

"${PYTHON:-python3.11}" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"; }
pip_setting() { pip config get "global.$1" 2>/dev/null || true; }

pip install --require-hashes --no-deps --requirement tools/bootstrap.lock

index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(pip_setting index-url)}}
certificates=${SSL_CERT_FILE:-${PIP_CERT:-$(pip_setting cert)}}
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
if [ -n "$certificates" ]; then export SSL_CERT_FILE="$certificates"; fi

# Without build isolation the few source packages are built by the setuptools of the lock, and by no other.
uv() { .venv/bin/uv --quiet --no-config "$@"; }
uv pip install --python .venv/bin/python --no-build-isolation --require-hashes --requirement requirements.lock
uv pip install --python .venv/bin/python --no-build-isolation --no-deps --no-index --editable .
