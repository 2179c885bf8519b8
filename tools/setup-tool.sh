#!/bin/sh
# An environment of its own, .cache/$1/venv, from tools/$1.lock: for tools that want other versions than the project.
#
# uv does not read pip's settings: the index and the certificates that pip is told to use are handed on.
set -eu
cd "$(dirname "$0")/.."

pip_setting() { .venv/bin/python -m pip config get "global.$1" 2>/dev/null || true; }
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(pip_setting index-url)}}
certificates=${SSL_CERT_FILE:-${PIP_CERT:-$(pip_setting cert)}}
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
if [ -n "$certificates" ]; then export SSL_CERT_FILE="$certificates"; fi

mkdir -p ".cache/$1"
"${PYTHON:-python3.11}" -m venv --without-pip ".cache/$1/venv"
.venv/bin/uv --quiet --no-config pip install --python ".cache/$1/venv/bin/python" --require-hashes \
	--requirement "tools/$1.lock"
