#!/bin/sh
# Becomes the gate, with the input command as what it runs first.
#
# An input that pins a deploy and is left out leaves the job's own variable as it is: one that is set to nothing, because a
# step before gave nothing, has to reach the gate, which refuses it. An expression could not tell it from one that is not set.
set -eu

for pin in DEPLOY WORKFLOW BRANCH_RUN TRIGGER_RESPONSE BUILD COMMIT AFTER SINCE; do
    eval "given=\$GATE_$pin"
    # shellcheck disable=SC2154 # It is set by what is evaluated.
    [ "$given" = '(not given)' ] || export "NUON_GATE_$pin=$given"
    # It is for this script alone.
    unset "GATE_$pin"
done
command=$GATE_COMMAND
unset GATE_COMMAND
case $command in
    '(not given)') exec "$GATE_BINARY" wait ;;
    # As the runner does with a step's script, the first line that fails is the end of it.
    *[![:space:]]*) exec "$GATE_BINARY" wait -- sh -ec "$command" ;;
    # A variable in it is most likely not set. The gate says so.
    *) exec "$GATE_BINARY" wait -- ;;
esac
