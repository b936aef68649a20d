#!/bin/sh
# Install the pinned torch in the build that this machine can use: scripts/torch.sh .venv/bin constraints.txt
#
# On Linux PyPI's build carries CUDA, five gigabytes that do nothing without an NVIDIA driver; there the small
# build for the CPU is taken, where its index can be reached. TORCH_INDEX, if set, decides instead; empty means PyPI.
set -eu
bin=$1 pins=$2
cpu=https://download.pytorch.org/whl/cpu

from() { "$bin/pip" install ${PIP_FLAGS--qq} --no-deps -c "$pins" --index-url "$1" torch; }
answers() { "$bin/python" -c "from urllib.request import urlopen as o; o('$1/torch/', timeout=5)" 2>/dev/null; }
driver() { [ -e "${NVIDIA_DRIVER:-/proc/driver/nvidia/version}" ] || nvidia-smi >/dev/null 2>&1; }
here() {
  version=$("$bin/python" -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null) &&
    grep -qx "torch==${version%%+*}" "$pins"
}

if here; then
  :
elif [ "${TORCH_INDEX+set}" ]; then
  [ -z "$TORCH_INDEX" ] || from "$TORCH_INDEX"
elif [ "$(uname)" = Linux ] && ! driver; then
  if answers "$cpu"; then
    echo "No NVIDIA driver here: torch comes in its small build for the CPU, from $cpu (TORCH_INDEX= takes PyPI's)."
    from "$cpu" && exit
  fi
  echo "No NVIDIA driver here, but $cpu is out of reach, or lacks the pinned torch: pip takes it from where it" \
    "takes all else, which from PyPI is the build with CUDA, gigabytes. TORCH_INDEX=https://... names another index."
fi
