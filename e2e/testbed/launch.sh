#!/bin/sh
# Becomes one daemon of the test bed: records who it is, then is replaced by the program.
# Usage: launch.sh RECORD NAMESPACE PROGRAM [ARGUMENT...]
# The record is written by the daemon itself, so that no kill of the starter can leave one unrecorded;
# its start time tells it from a later process with the same number.
set -eu
record=$1 namespace=$2
shift 2
echo "$$ $(cut -d' ' -f22 /proc/$$/stat)" >"$record.new"
mv "$record.new" "$record"
# Most of them are in Go, and the machine has more memory than processors: collect garbage a quarter as often.
export GOGC=400
exec nsenter --net="$namespace" "$@"
