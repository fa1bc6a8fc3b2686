#!/bin/sh
# Replaces itself with the gate, which runs the input command first.
#
# If an input that pins a deploy is left out, the job's own variable stays as it is. An input that is set but empty, because an
# earlier step produced no value, has to reach the gate, which refuses it. An expression could not distinguish the two.
set -eu

for pin in DEPLOY WORKFLOW BRANCH_RUN TRIGGER_RESPONSE BUILD COMMIT AFTER SINCE; do
    eval "given=\$GATE_$pin"
    # shellcheck disable=SC2154 # The eval above sets it.
    [ "$given" = '(not given)' ] || export "NUON_GATE_$pin=$given"
    # Only this script needs it.
    unset "GATE_$pin"
done
command=$GATE_COMMAND
unset GATE_COMMAND
case $command in
    '(not given)') exec "$GATE_BINARY" wait ;;
    # Like a step's script on the runner, it ends at the first line that fails.
    *[![:space:]]*) exec "$GATE_BINARY" wait -- sh -ec "$command" ;;
    # A variable in it is most likely not set. The gate says so.
    *) exec "$GATE_BINARY" wait -- ;;
esac
